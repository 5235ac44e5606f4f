import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useConversation } from "../../app/conversation";
import type { MemberList, MemberView } from "../../wire/types";
import { api } from "../session/session";
import { met } from "./people";

/** Members of a room that are listed at the most; search finds the others. */
const LISTED = 1_000;
const PAGE = 200;

/** Who is in a room. */
export function useMembers(
  room: string,
  enabled = true,
): { members: readonly MemberView[]; isLoading: boolean } {
  const { engine } = useConversation();
  const queries = useQueryClient();
  const { data, isLoading } = useQuery({
    queryKey: ["members", room],
    queryFn: () => read(room),
    enabled,
    staleTime: 60_000,
  });
  useEffect(
    () =>
      engine.onUpdate((update) => {
        if (update.kind === "member" && update.member.room === room) {
          void queries.invalidateQueries({ queryKey: ["members", room] });
        }
      }),
    [engine, queries, room],
  );
  return { members: data ?? [], isLoading };
}

async function read(room: string): Promise<MemberView[]> {
  const members: MemberView[] = [];
  let after: string | undefined;
  do {
    const page: MemberList = await api.ask<MemberList>(`rooms/${room}/members`, {
      query: { limit: PAGE, after },
    });
    members.push(...page.users);
    after = page.next;
  } while (after !== undefined && members.length < LISTED);
  met(members);
  return members;
}
