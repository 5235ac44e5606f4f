import { keepPreviousData, type QueryClient, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { Conversation } from "../../app/conversation";
import { useDebounced } from "../../ui/useDebounced";
import type { MemberList, MemberView, Room } from "../../wire/types";
import { api } from "../session/session";
import { met } from "./people";

/** Members of a room that are listed at the most; by their names the others are found as well. */
const LISTED = 1_000;
const PAGE = 200;
/** Members found by a name at the most, and pages asked for: some are short in a room of very many. */
const FOUND = 50;
const FOUND_PAGES = 4;
const NOBODY: readonly MemberView[] = [];
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

/** Those of a room whose name begins so, where the list does not have everybody. */
export function useFoundMembers(room: Room | undefined, name: string): readonly MemberView[] {
  const wanted = useDebounced(name.trim());
  const { data } = useQuery({
    queryKey: ["members", room?.id, "named", wanted],
    queryFn: ({ signal }) => find(room?.id ?? "", wanted, signal),
    enabled: wanted !== "" && (room?.members ?? 0) > LISTED,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  return wanted === "" ? NOBODY : (data ?? NOBODY);
}

/** One member of a room, whether or not the list has them. */
export function useMember(room: string, user: string): MemberView | undefined {
  const { members, query } = useMembers(room);
  const listed = members.find(({ id }) => id === user);
  const { data } = useQuery({
    queryKey: ["members", room, "one", user],
    queryFn: ({ signal }) => api.ask<MemberView>(`rooms/${room}/members/${user}`, { signal }),
    enabled: query.isSuccess && listed === undefined && members.length >= LISTED,
    staleTime: 60_000,
  });
  return listed ?? data;
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

function read(room: string, signal: AbortSignal): Promise<readonly MemberView[]> {
  return pages(room, { limit: PAGE }, LISTED, LISTED / PAGE, signal);
}

function find(room: string, q: string, signal: AbortSignal): Promise<readonly MemberView[]> {
  return pages(room, { q, limit: FOUND }, FOUND, FOUND_PAGES, signal);
}

/** Members page by page, up to so many, and up to so many pages. */
async function pages(
  room: string,
  query: { readonly q?: string; readonly limit: number },
  most: number,
  mostPages: number,
  signal: AbortSignal,
): Promise<readonly MemberView[]> {
  const members: MemberView[] = [];
  let after: string | undefined;
  for (let page = 0; page < mostPages && members.length < most; page += 1) {
    const list: MemberList = await api.ask<MemberList>(`rooms/${room}/members`, {
      query: { ...query, after },
      signal,
    });
    members.push(...list.users);
    after = list.next;
    if (after === undefined) break;
  }
  met(members);
  return members;
}
