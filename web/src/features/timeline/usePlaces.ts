import { type RefObject, useLayoutEffect, useMemo } from "react";
import type { Row } from "./rows";

/**
 * Tells screen readers which of the messages each row on the screen is, and of how many. It is written
 * past React: with each message that comes all of these change, and no row needs to be drawn for that.
 */
export function usePlaces(
  scroller: RefObject<HTMLElement | null>,
  rows: readonly Row[],
  isComplete: boolean,
): void {
  const places = useMemo(() => placesOf(rows), [rows]);
  const isWhole = isComplete && !rows.some(({ kind }) => kind === "gap");
  // How many there are is not known while some of them are not loaded.
  const size = String(isWhole ? (places.at(-1) ?? 0) : -1);
  useLayoutEffect(() => {
    for (const element of scroller.current?.querySelectorAll<HTMLElement>("[data-index]") ?? []) {
      const message = element.querySelector("[data-message]");
      if (!message) continue;
      write(message, "aria-posinset", String(places[Number(element.dataset.index)] ?? 1));
      write(message, "aria-setsize", size);
    }
  });
}

function write(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** How many messages there are up to each row. */
function placesOf(rows: readonly Row[]): number[] {
  let messages = 0;
  return rows.map(({ kind }) => {
    if (kind === "message") messages += 1;
    return messages;
  });
}
