import { useEffect, useState } from "react";
import type { Room as Log } from "../../log/room";
import type { Room } from "../../wire/types";

/** How long the server has to tell what is read, before what the device remembers counts, in ms. */
const PATIENCE = 1_500;

/** After which seq everything is new to the reader; nothing, once they have said that they know. */
export type NewAfter = number | undefined | "unknown";

/**
 * Where what is new begins for the reader: fixed when they come in, as soon as the server has told how
 * far they have read. What the device remembers of that may be from yesterday.
 */
export function useNewAfter(
  room: Room,
  log: Log | undefined,
  online: boolean,
): [NewAfter, (newAfter: NewAfter) => void] {
  const [newAfter, set] = useState<NewAfter>("unknown");
  const isTold = online && log !== undefined;
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(setLate, PATIENCE, true);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    if (newAfter === "unknown" && (isTold || isLate)) set(firstUnread(room, isTold ? log : undefined));
  }, [newAfter, isTold, isLate, room, log]);
  return [newAfter, set];
}

function firstUnread(room: Room, log: Log | undefined): number {
  const read = log?.standing.read ?? room.read;
  const marked = log ? log.standing.unreadFrom : room.unread_from;
  return marked === undefined ? read : Math.min(read, marked - 1);
}
