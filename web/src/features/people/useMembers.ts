import { type QueryClient, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { Conversation } from "../../app/conversation";
import type { MemberList, MemberView } from "../../wire/types";
import { api } from "../session/session";
import { met } from "./people";

/** Members of a room that are listed at the most; search finds the others. */
const LISTED = 1_000;
const PAGE = 200;
/** How long after a change the members are read again: several changes share one reading, in milliseconds. */
const GATHER = 1_000;

/** Who is in a room. */
export function useMembers(
  room: string,
  enabled = true,
): { members: readonly MemberView[]; query: UseQueryResult<readonly MemberView[]> } {
  const query = useQuery({
    queryKey: ["members", room],
    queryFn: ({ signal }) => read(room, signal),
    enabled,
    staleTime: 60_000,
  });
  return { members: query.data ?? [], query };
}

/** Keeps the lists of members in step with the log. */
export function followMembers({ engine }: Conversation, queries: QueryClient): () => void {
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const readAgain = () => {
    timer = undefined;
    for (const room of changed) void queries.invalidateQueries({ queryKey: ["members", room] });
    changed.clear();
  };
  const stop = engine.onUpdate((update) => {
    if (update.kind !== "member") return;
    changed.add(update.member.room);
    timer ??= setTimeout(readAgain, GATHER);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

async function read(room: string, signal: AbortSignal): Promise<readonly MemberView[]> {
  const members: MemberView[] = [];
  let after: string | undefined;
  do {
    const page: MemberList = await api.ask<MemberList>(`rooms/${room}/members`, {
      query: { limit: PAGE, after },
      signal,
    });
    members.push(...page.users);
    after = page.next;
  } while (after !== undefined && members.length < LISTED);
  met(members);
  return members;
}
