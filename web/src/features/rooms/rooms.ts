import { type QueryClient, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { type Conversation, useConversation, useTopic } from "../../app/conversation";
import type { Room as Log } from "../../log/room";
import type { Room, RoomList } from "../../wire/types";
import { api } from "../session/session";

const KEY = ["rooms"] as const;
/** How long after a change the list is read again: several changes share one reading. */
const GATHER = 400;
/** The same where the log tells what is new, and the server is only asked to count again. */
const RECOUNT = 10_000;
/** The same where something was deleted, which the server counts once it is stored. */
const STORED = 1_500;

/** The person's rooms, as the server tells of them. */
export function useRooms(): {
  rooms: readonly Room[];
  isLoading: boolean;
  query: UseQueryResult<readonly Room[]>;
} {
  const query = useQuery({ queryKey: KEY, queryFn: readAll, staleTime: 60_000 });
  return { rooms: query.data ?? [], isLoading: query.isLoading, query };
}

/** One of the person's rooms. */
export function useRoom(id: string): Room | undefined {
  return useRooms().rooms.find((room) => room.id === id);
}

async function readAll(): Promise<readonly Room[]> {
  const rooms: Room[] = [];
  let after: string | undefined;
  do {
    const page: RoomList = await api.ask<RoomList>("rooms", { query: { limit: 200, after } });
    rooms.push(...page.rooms);
    after = page.next;
  } while (after !== undefined);
  return rooms;
}

/** Keeps the list of rooms in step with the log. */
export function followRooms(conversation: Conversation, queries: QueryClient): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let due = Number.POSITIVE_INFINITY;
  /** The last time that is asked for: what is read before it may not know of everything. */
  let last = 0;
  const soon = (wait = GATHER) => {
    const at = Date.now() + wait;
    last = Math.max(last, at);
    if (due <= at) return;
    due = at;
    clearTimeout(timer);
    timer = setTimeout(() => {
      due = Number.POSITIVE_INFINITY;
      void queries.invalidateQueries({ queryKey: KEY });
      const left = last - Date.now();
      if (left > 0) soon(left);
    }, wait);
  };
  const kept = queries.getQueryCache().subscribe(({ query, type }) => {
    if (type !== "updated" || query.queryKey[0] !== KEY[0] || query.state.status !== "success") return;
    conversation.memory.keepList({ rooms: query.state.data as Room[] }).catch(() => undefined);
  });
  const stop = conversation.engine.onUpdate((update) => {
    if (["room", "heard", "gone"].includes(update.kind)) soon();
    if (["standing", "said"].includes(update.kind)) soon(RECOUNT);
    if (update.kind === "deleted") soon(STORED);
    if (update.kind === "member" && update.member.user === conversation.user) soon();
    if (update.kind === "gone") forget(queries, update.room);
  });
  return () => {
    clearTimeout(timer);
    kept();
    stop();
  };
}

/** Shows the rooms that the device remembers until the server tells of them. */
export function recallRooms(queries: QueryClient, rooms: readonly Room[]): void {
  if (rooms.length > 0 && !queries.getQueryData(KEY)) queries.setQueryData(KEY, rooms, { updatedAt: 1 });
}

/** Puts a room into the list that the server has just told of. */
export function remember(queries: QueryClient, room: Room): void {
  queries.setQueryData<Room[]>(KEY, (rooms = []) => [...rooms.filter(({ id }) => id !== room.id), room]);
}

function forget(queries: QueryClient, id: string): void {
  queries.setQueryData<Room[]>(KEY, (rooms = []) => rooms.filter((room) => room.id !== id));
}

/** What of a room a person has not read. */
export interface Unread {
  readonly messages: number;
  readonly mentions: number;
}

/** How much of a room is unread. */
export function useUnread(room: Room): Unread {
  useTopic(room.id);
  const { engine, user } = useConversation();
  return unreadOf(room, engine.room(room.id), user);
}

/**
 * How much of a room is unread for this person: counted in the log where it has everything since they
 * read last, else by the server, and by what the log has added since.
 */
export function unreadOf(room: Room, log: Log | undefined, user: string): Unread {
  if (!log) return { messages: room.unread, mentions: room.mentions };
  const { read, unreadFrom } = log.standing;
  const from = unreadFrom === undefined ? read : Math.min(read, unreadFrom - 1);
  const head = log.position.seq;
  if (from >= head) return { messages: 0, mentions: 0 };
  if (log.timeline.intervals().some((known) => known.from <= from + 1 && known.to >= head)) {
    return count(log, from, head, user);
  }
  const later = count(log, Math.max(from, room.seq), head, user);
  // Read up to somewhere since the server was asked: only what is known here can be told apart.
  const earlier =
    from > room.read
      ? count(log, from, room.seq, user)
      : { messages: room.unread ?? 0, mentions: room.mentions ?? 0 };
  return { messages: earlier.messages + later.messages, mentions: earlier.mentions + later.mentions };
}

/** What others have said after one seq and up to another, as far as it is known here. */
function count(log: Log, after: number, upto: number, user: string): Unread {
  const said = log.timeline
    .messages()
    .filter(({ seq, sender, deleted_at }) => seq > after && seq <= upto && sender !== user && !deleted_at);
  const calls = said.filter(({ body }) => body.mentions?.all || body.mentions?.users?.includes(user));
  return { messages: said.length, mentions: calls.length };
}

/** Whether a room is a conversation of a few people, without a name of its own. */
export function isDirect({ kind }: Pick<Room, "kind">): boolean {
  return kind === "direct" || kind === "group";
}

/** Rooms in the order of the list, by name: nothing jumps under the pointer. */
export function inOrder(rooms: readonly Room[]): { direct: Room[]; others: Room[] } {
  const byName = [...rooms].sort((a, b) => a.name.localeCompare(b.name));
  return { direct: byName.filter(isDirect), others: byName.filter((room) => !isDirect(room)) };
}
