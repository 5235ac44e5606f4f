import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useConversation } from "../../app/conversation";
import type { Room as Log } from "../../log/room";
import type { Room } from "../../wire/types";
import { anchorOf } from "./anchors";
import type { Row } from "./rows";
import type { NewAfter } from "./useNewAfter";

interface Landing {
  readonly room: Room;
  readonly log: Log | undefined;
  readonly rows: readonly Row[];
  /** A message that was asked for: a link, a quote, a hit of the search. */
  readonly target: number | undefined;
  /** After which seq everything is new to the reader. */
  readonly newAfter: NewAfter;
  readonly virtual: Virtualizer<HTMLDivElement, Element>;
}

/** How long what is needed may take to come, before the reader lands at what there is, in milliseconds. */
const PATIENCE = 3_000;

/**
 * Brings the reader to their place: what they look for, else the first unread message, else where they
 * were, else the end. Loads what is needed for that. Until they have landed nothing counts as read, and
 * before their first landing nothing is shown.
 */
export function useLanding({ room, log, rows, target, newAfter, virtual }: Landing) {
  const { engine } = useConversation();
  const [landed, land] = useState<string>();
  const [isLate, setLate] = useState<string>();
  const anchor = useRef<number>(undefined);
  anchor.current ??= anchorOf(room.id);
  const place = `${room.id}/${target ?? "rest"}`;

  useEffect(() => {
    const timer = setTimeout(setLate, PATIENCE, place);
    return () => clearTimeout(timer);
  }, [place]);

  // The first unread message, or the one that stood first when the reader left.
  const head = log?.head.seq ?? 0;
  const isUnread = newAfter !== "unknown" && newAfter !== undefined && newAfter > 0 && newAfter < head;
  const wanted = target ?? (isUnread ? newAfter + 1 : anchor.current);

  useEffect(() => {
    if (!log || newAfter === "unknown" || landed === place) return;
    if (wanted !== undefined && !covers(log, wanted)) {
      void engine.load(room.id, { kind: "around", seq: wanted });
    }
    const hasEnd = covers(log, log.head.seq) && log.timeline.messages().length > 0;
    if (target === undefined && !hasEnd) void engine.load(room.id, { kind: "latest" });
    // Asked once for each place: what does not come is given up after a while.
  }, [place, log === undefined, newAfter === "unknown"]);

  useLayoutEffect(() => {
    if (landed === place || !log || newAfter === "unknown") return;
    if (!rows.some(({ kind }) => kind === "message" || kind === "beginning")) return;
    if (wanted !== undefined && !covers(log, wanted) && isLate !== place) return;
    const divider = target === undefined ? rows.findIndex(({ kind }) => kind === "new") : -1;
    // What stood there may not be a message: then the next one is meant.
    const index =
      divider >= 0
        ? divider
        : rows.findIndex(
            (row) => row.kind === "message" && wanted !== undefined && row.message.seq >= wanted,
          );
    if (index < 0) virtual.scrollToIndex(rows.length - 1, { align: "end" });
    else virtual.scrollToIndex(index, { align: target === undefined ? "start" : "center" });
    land(place);
  }, [place, landed, isLate, wanted, target, rows, log, virtual, newAfter]);

  return { isThere: landed === place, isShown: landed !== undefined };
}

/** Whether everything at a seq is known, be it a message or not. */
function covers(log: Log, seq: number): boolean {
  return log.timeline.intervals().some(({ from, to }) => from <= seq && seq <= to);
}
