import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useConversation } from "../../app/conversation";
import type { Inbox } from "../../wire/types";
import { api } from "../session/session";

const KEY = ["inbox"];

/** What came while this person was away. */
export function useInbox(): {
  inbox: Inbox | undefined;
  query: UseQueryResult<Inbox>;
  clear: () => void;
} {
  const { engine } = useConversation();
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: KEY,
    queryFn: () => api.ask<Inbox>("me/inbox", { query: { limit: 50 } }),
    staleTime: 30_000,
  });
  useEffect(
    () =>
      engine.onFrame((frame) => {
        if (frame.type === "inbox" || frame.type === "ready")
          void queries.invalidateQueries({ queryKey: KEY });
      }),
    [engine, queries],
  );
  const clear = () => {
    queries.setQueryData<Inbox>(KEY, { entries: [], waiting: 0 });
    void api
      .ask("me/inbox", { method: "DELETE" })
      .finally(() => queries.invalidateQueries({ queryKey: KEY }));
  };
  return { inbox: query.data, query, clear };
}

/** How much waits in the inbox. */
export function useInboxCount(): number {
  return useInbox().inbox?.waiting ?? 0;
}
