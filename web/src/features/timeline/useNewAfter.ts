import { useEffect, useRef, useState } from "react";
import type { Room as Log } from "../../log/room";
import type { Message, Room } from "../../wire/types";
import { useAttention } from "./useAttention";

/** How long the server has to tell what is read, before what the device remembers counts, in ms. */
const PATIENCE = 1_500;

/** After which seq everything is new to the reader; nothing, if they know everything. */
export type NewAfter = number | undefined | "unknown";

/**
 * Where what is new begins for the reader: fixed when they come in, as soon as the server has told how
 * far they have read. What the device remembers of that may be from yesterday. It stays while they read,
 * and is found anew when they have looked away: what comes meanwhile is new, what they see come is not.
 */
export function useNewAfter(
  room: Room,
  log: Log | undefined,
  online: boolean,
  user: string,
): [NewAfter, (newAfter: NewAfter) => void] {
  const [newAfter, set] = useState<NewAfter>("unknown");
  const isTold = online && log !== undefined;
  const [isLate, setLate] = useState(false);
  const attentive = useAttention();
  useEffect(() => {
    const timer = setTimeout(setLate, PATIENCE, true);
    return () => clearTimeout(timer);
  }, []);
  // What was there when they came in. It may turn out that nobody else said any of it.
  const found = useRef<number>(undefined);
  useEffect(() => {
    if (newAfter !== "unknown" || !(isTold || isLate)) return;
    found.current = log?.head.seq;
    set(firstUnread(room, isTold ? log : undefined, user));
  }, [newAfter, isTold, isLate, room, log, user]);
  useEffect(() => {
    if (!log || typeof newAfter !== "number" || found.current === undefined) return;
    const [from, upto] = [newAfter, found.current];
    if (!isKnown(log, from, upto)) return;
    found.current = undefined;
    if (!isUnread(log, from, upto, user)) set(undefined);
  });
  useEffect(() => {
    if (!log) return;
    found.current = attentive ? found.current : undefined;
    set((known) => {
      if (known === "unknown") return known;
      if (!attentive) return firstUnread(room, log, user) ?? log.head.seq;
      return known !== undefined && known >= log.head.seq ? undefined : known;
    });
    // Only when they look away or come back: what is read meanwhile moves nothing.
  }, [attentive]);
  return [newAfter, set];
}

/** The seq after which a room is unread, if anything of it is. */
export function firstUnread(room: Room, log: Log | undefined, user: string): number | undefined {
  const read = log?.standing.read ?? room.read;
  const marked = log ? log.standing.unreadFrom : room.unread_from;
  const from = marked === undefined ? read : Math.min(read, marked - 1);
  const head = log?.head.seq ?? room.seq;
  if (from >= head) return undefined;
  return log && isKnown(log, from, head) && !isUnread(log, from, head, user) ? undefined : from;
}

/** Whether the log has everything after one seq and up to another. */
function isKnown(log: Log, from: number, upto: number): boolean {
  return from >= upto || log.timeline.intervals().some((known) => known.from <= from + 1 && known.to >= upto);
}

/** Whether somebody else has said something after one seq and up to another. */
function isUnread(log: Log, from: number, upto: number, user: string): boolean {
  const isByOthers = ({ seq, sender, deleted_at }: Message) =>
    seq > from && seq <= upto && sender !== user && !deleted_at;
  return log.timeline.messages().some(isByOthers);
}
