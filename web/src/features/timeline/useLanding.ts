import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef } from "react";
import { useConversation } from "../../app/conversation";
import type { Room as Log } from "../../log/room";
import type { Room } from "../../wire/types";
import { anchorOf } from "./anchors";
import type { Row } from "./rows";

interface Landing {
  readonly room: Room;
  readonly log: Log | undefined;
  readonly rows: readonly Row[];
  /** A message that was asked for: a link, a quote, a hit of the search. */
  readonly target: number | undefined;
  /** After which seq everything is new to the reader. */
  readonly newAfter: number | undefined;
  readonly virtual: Virtualizer<HTMLDivElement, Element>;
}

/**
 * Brings the reader to their place: what they look for, else the first unread message, else where they
 * were, else the end. Loads what is needed for that. Returns whether they have landed: until then
 * nothing counts as read.
 */
export function useLanding({ room, log, rows, target, newAfter, virtual }: Landing): boolean {
  const { engine } = useConversation();
  const landed = useRef<string>(undefined);
  const anchor = useRef<number>(undefined);
  anchor.current ??= anchorOf(room.id);
  const place = `${room.id}/${target ?? "rest"}`;

  useEffect(() => {
    if (!log) return;
    const has = (seq: number) => log.timeline.bySeq(seq) !== undefined;
    const hasEnd = log.timeline.intervals().at(-1)?.to === log.head.seq && log.timeline.messages().length > 0;
    if (target !== undefined) {
      if (!has(target)) void engine.load(room.id, { kind: "around", seq: target });
      return;
    }
    const unread = newAfter !== undefined && newAfter > 0 && newAfter < log.head.seq ? newAfter : undefined;
    const around = unread ?? anchor.current;
    if (around !== undefined && !has(around)) void engine.load(room.id, { kind: "around", seq: around });
    if (!hasEnd) void engine.load(room.id, { kind: "latest" });
  }, [room.id, target, log, engine, newAfter]);

  useLayoutEffect(() => {
    if (landed.current === place || rows.length === 0 || !log) return;
    if (target !== undefined) {
      const index = rows.findIndex((row) => row.kind === "message" && row.message.seq === target);
      if (index < 0) return;
      landed.current = place;
      virtual.scrollToIndex(index, { align: "center" });
      return;
    }
    const divider = rows.findIndex(({ kind }) => kind === "new");
    if (divider >= 0) {
      landed.current = place;
      virtual.scrollToIndex(divider, { align: "start" });
      return;
    }
    const before = anchor.current;
    const index = rows.findIndex(
      (row) => row.kind === "message" && before !== undefined && row.message.seq >= before,
    );
    if (index >= 0) {
      landed.current = place;
      virtual.scrollToIndex(index, { align: "start" });
      return;
    }
    if (!rows.some(({ kind }) => kind === "message")) return;
    landed.current = place;
    virtual.scrollToIndex(rows.length - 1, { align: "end" });
  }, [place, target, rows, log, virtual]);

  return landed.current === place;
}
