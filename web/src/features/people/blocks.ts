import { useQuery, useQueryClient } from "@tanstack/react-query";
import { explain } from "../../app/explain";
import { toast } from "../../ui/Toasts";
import type { User, UserList } from "../../wire/types";
import { api } from "../session/session";

const KEY = ["blocks"];

/** Whom this person has blocked. */
export function useBlocks(): {
  isBlocked: (user: string) => boolean;
  setBlocked: (user: string, on: boolean) => void;
  blocked: readonly User[];
} {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: KEY,
    queryFn: () => api.ask<UserList>("me/blocks", { query: { limit: 200 } }),
    staleTime: 300_000,
  });
  const blocked = new Set(data?.users.map(({ id }) => id));
  return {
    blocked: data?.users ?? [],
    isBlocked: (user) => blocked.has(user),
    setBlocked: (user, on) => {
      api
        .ask(`me/blocks/${user}`, { method: on ? "PUT" : "DELETE" })
        .then(() => queries.invalidateQueries({ queryKey: KEY }))
        .catch((error: Error) => toast(explain(error)));
    },
  };
}
