import type { Virtualizer } from "@tanstack/react-virtual";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useConversation } from "../../app/conversation";
import type { Room as Log } from "../../log/room";
import type { Row } from "./rows";
import type { Destination, useDestination } from "./useDestination";
import type { NewAfter } from "./useNewAfter";

interface Landing {
  readonly room: string;
  readonly log: Log | undefined;
  readonly rows: readonly Row[];
  readonly newAfter: NewAfter;
  readonly arrival: ReturnType<typeof useDestination>;
  readonly virtual: Virtualizer<HTMLDivElement, Element>;
  readonly scroller: RefObject<HTMLElement | null>;
}

/** How long what is needed may take to come, before the reader lands at what there is, in milliseconds. */
const PATIENCE = 3_000;
/** How long after the landing rows are still measured, and others come, in milliseconds. */
const SETTLES = 500;
/** By what a reader takes the list into their own hands. */
const TAKES = ["wheel", "touchstart", "pointerdown", "keydown"] as const;

/**
 * Brings the reader to their destination, and loads what is needed for that. Until they have landed
 * nothing counts as read, and before their first landing nothing is shown.
 */
export function useLanding({ room, log, rows, newAfter, arrival, virtual, scroller }: Landing): void {
  const { engine } = useConversation();
  const { destination, isThere, land, settle } = arrival;
  const { place, to, seq } = destination;
  const align = to === "target" ? "center" : "start";
  const [isLate, setLate] = useState<string>();
  /** The row at which the reader has landed, for as long as others may still push it away. */
  const held = useRef<{ key: string; index: number }>(undefined);

  useEffect(() => {
    const timer = setTimeout(setLate, PATIENCE, place);
    return () => clearTimeout(timer);
  }, [place]);

  useEffect(() => {
    if (!log || newAfter === "unknown" || isThere) return;
    if (seq !== undefined && !covers(log, seq)) void engine.load(room, { kind: "around", seq });
    const hasEnd = covers(log, log.head.seq) && log.timeline.messages().length > 0;
    if (to !== "target" && !hasEnd) void engine.load(room, { kind: "latest" });
    // Asked once for each place, and again when the room is loaded anew, by which what has come is lost:
    // what does not come is given up after a while.
  }, [place, log === undefined, log?.reloading, newAfter === "unknown"]);

  useLayoutEffect(() => {
    if (isThere || !log || newAfter === "unknown") return;
    if (!rows.some(({ kind }) => kind === "message" || kind === "beginning")) return;
    if (seq !== undefined && !(covers(log, seq) && isDrawn(rows, seq)) && isLate !== place) return;
    const index = indexOf(rows, destination);
    const row = rows[index];
    if (row) virtual.scrollToIndex(index, { align });
    else virtual.scrollToIndex(rows.length - 1, { align: "end" });
    held.current = row && { key: row.key, index };
    land(destination);
  }, [isThere, isLate, place, destination, seq, align, rows, log, virtual, newAfter, land]);

  // The list knows the row by its number, which is another one when something comes before it.
  useLayoutEffect(() => {
    if (!held.current || !isThere) return;
    const { key, index: before } = held.current;
    const index = rows.findIndex((row) => row.key === key);
    if (index < 0 || index === before) return;
    held.current = { key, index };
    virtual.scrollToIndex(index, { align });
  }, [rows, isThere, align, virtual]);

  useEffect(() => {
    if (!isThere) return;
    const element = scroller.current;
    const settled = () => {
      held.current = undefined;
      settle();
    };
    const timer = setTimeout(settled, SETTLES);
    for (const name of TAKES) element?.addEventListener(name, settled, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const name of TAKES) element?.removeEventListener(name, settled);
    };
  }, [isThere, scroller, settle]);
}

/** The row to land at: the divider before what is unread, else the message. Negative: the end. */
function indexOf(rows: readonly Row[], { to, seq }: Destination): number {
  const divider = to === "unread" ? rows.findIndex(({ kind }) => kind === "new") : -1;
  if (divider >= 0 || seq === undefined) return divider;
  // What stood there may not be a message: then the next one is meant.
  return rows.findIndex((row) => row.kind === "message" && row.message.seq >= seq);
}

/** Whether the rows know of what the log knows at a seq: they may be a moment older. */
function isDrawn(rows: readonly Row[], seq: number): boolean {
  return !rows.some((row) => row.kind === "gap" && row.after < seq && seq < row.before);
}

/** Whether everything at a seq is known, be it a message or not. */
function covers(log: Log, seq: number): boolean {
  return log.timeline.intervals().some(({ from, to }) => from <= seq && seq <= to);
}
