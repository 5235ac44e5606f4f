import type { Virtualizer } from "@tanstack/react-virtual";
import {
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { keyOf } from "../../ui/keys";
import type { Row } from "./rows";

interface Roving {
  readonly rows: readonly Row[];
  readonly scroller: RefObject<HTMLElement | null>;
  readonly virtual: () => Virtualizer<HTMLDivElement, Element>;
  readonly onKey: (key: "reply" | "edit", row: Extract<Row, { kind: "message" }>) => void;
}

/** Frames within which a row that is scrolled to must have been drawn. */
const PATIENCE = 30;

/**
 * One Tab stop for all messages, moved by the arrow keys. The row it is on is always drawn, and if
 * what has the focus goes away, its row takes it: the focus is never lost.
 */
export function useRoving({ rows, scroller, virtual, onKey }: Roving) {
  const [active, setActive] = useState<string>();
  const focused = useRef<Element | null>(null);
  const messages = rows.filter((row) => row.kind === "message");
  const current = messages.find(({ key }) => key === active) ?? messages.at(-1);
  const index = current ? rows.indexOf(current) : -1;

  const element = (key: string) =>
    scroller.current?.querySelector<HTMLElement>(`[data-message="${CSS.escape(key)}"]`);

  const focus = (key: string, tries = PATIENCE) => {
    const found = element(key);
    if (found) found.focus({ preventScroll: true });
    else if (tries > 0) requestAnimationFrame(() => focus(key, tries - 1));
  };

  const move = (to: Row | undefined) => {
    if (to?.kind !== "message") return;
    setActive(to.key);
    virtual().scrollToIndex(rows.indexOf(to), { align: "auto" });
    requestAnimationFrame(() => focus(to.key));
  };

  useLayoutEffect(() => {
    const lost = focused.current && !focused.current.isConnected && document.activeElement === document.body;
    if (lost && current) element(current.key)?.focus({ preventScroll: true });
  });

  const press = (selector: string) => {
    if (current) element(current.key)?.querySelector<HTMLElement>(selector)?.click();
  };

  return {
    /** The row that is always drawn. */
    index,
    /** The row that Tab leads to. */
    key: current?.key,
    onFocus: (event: FocusEvent) => {
      focused.current = event.target;
      const row = event.target.closest<HTMLElement>("[data-message]");
      if (row?.dataset.message) setActive(row.dataset.message);
    },
    onBlur: (event: FocusEvent) => {
      if (event.relatedTarget) focused.current = null;
    },
    onKeyDown: (event: KeyboardEvent) => {
      const onRow = event.target instanceof HTMLElement && event.target.matches("[data-message]");
      if (!onRow || !current || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = messages.indexOf(current);
      switch (keyOf(event)) {
        case "ArrowUp":
          move(messages[at - 1]);
          break;
        case "ArrowDown":
          // Below the last message is where one writes.
          if (at + 1 < messages.length) move(messages[at + 1]);
          else document.querySelector<HTMLElement>("[data-composer]")?.focus();
          break;
        case "End":
          move(messages.at(-1));
          break;
        case "r":
          onKey("reply", current);
          break;
        case "e":
          if (!current.own) return;
          onKey("edit", current);
          break;
        case "+":
          press("[data-emoji]");
          break;
        case "ContextMenu":
        case "Enter":
          press('[aria-haspopup="menu"]');
          break;
        default:
          return;
      }
      event.preventDefault();
    },
  };
}
