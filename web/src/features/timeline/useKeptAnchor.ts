import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef } from "react";
import { usePage } from "../../app/router";
import { type Anchor, keepAnchor } from "./anchors";
import type { Row } from "./rows";

/** How long the list must have stood still before it is noted where, in milliseconds. */
const REST = 200;

interface Reader {
  readonly room: string;
  readonly rows: readonly Row[];
  readonly virtual: Virtualizer<HTMLDivElement, Element>;
  /** Whether they have come to where they wanted to be. */
  readonly isThere: boolean;
  readonly atEnd: boolean;
}

/** Keeps where the reader is, to the pixel, for when they come back: from another room or after a reload. */
export function useKeptAnchor({ room, rows, virtual, isThere, atEnd }: Reader): void {
  const page = usePage();
  const latest = useRef({ rows, isThere, atEnd });
  const keeper = useRef<() => void>(() => undefined);
  useLayoutEffect(() => {
    latest.current = { rows, isThere, atEnd };
  });
  // As the page is left the rows are still there, and where they stand is known.
  useLayoutEffect(() => {
    const keep = () => {
      const { rows, isThere, atEnd } = latest.current;
      if (!isThere) return;
      const anchor = atEnd ? undefined : anchorIn(rows, virtual);
      if (atEnd || anchor) keepAnchor(room, page, anchor);
    };
    keeper.current = keep;
    window.addEventListener("pagehide", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      keep();
    };
  }, [room, page, virtual]);
  // A phone may end the page without a word.
  const offset = virtual.scrollOffset;
  useEffect(() => {
    if (!isThere) return;
    void offset;
    const timer = setTimeout(() => keeper.current(), REST);
    return () => clearTimeout(timer);
  }, [isThere, atEnd, offset]);
}

/** The first message that begins within the view; if none does, the one that fills it. */
function anchorIn(rows: readonly Row[], virtual: Reader["virtual"]): Anchor | undefined {
  const top = virtual.scrollOffset ?? 0;
  const bottom = top + (virtual.scrollRect?.height ?? 0);
  const placed = virtual.getVirtualItems().flatMap(({ index, key, start }) => {
    const row = rows[index];
    if (row?.kind !== "message" || row.key !== key) return [];
    const { seq } = row.message;
    return seq < Number.MAX_SAFE_INTEGER ? [{ seq, start }] : [];
  });
  const found =
    placed.find(({ start }) => start >= top && start < bottom) ?? placed.findLast(({ start }) => start < top);
  return found && { seq: found.seq, offset: found.start - top };
}
