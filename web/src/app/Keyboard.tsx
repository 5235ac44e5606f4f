import { useEffect } from "react";
import { inOrder, unreadOf, useRooms } from "../features/rooms/rooms";
import { keyOf } from "../ui/keys";
import type { Room } from "../wire/types";
import { useConversation } from "./conversation";
import { openDialog } from "./dialogs";
import { go, show, useLocation } from "./router";

/** Keys that work everywhere. */
export function Keyboard() {
  const { rooms } = useRooms();
  const { route, panel } = useLocation();
  const { engine, user } = useConversation();
  const current = route.page === "room" ? route.room : undefined;

  useEffect(() => {
    const move = (step: number, onlyUnread: boolean) => {
      const { direct, others } = inOrder(rooms);
      const all = [...others, ...direct];
      const isUnread = (room: Room) =>
        room.notify !== "nothing" && unreadOf(room, engine.room(room.id), user).messages > 0;
      const start = all.findIndex(({ id }) => id === current);
      for (let offset = 1; offset <= all.length; offset += 1) {
        const next = all[(start + step * offset + all.length * 2) % all.length];
        if (next && (!onlyUnread || isUnread(next))) {
          go({ page: "room", room: next.id, seq: undefined });
          return;
        }
      }
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.isComposing || event.defaultPrevented) return;
      const command = event.ctrlKey || event.metaKey;
      const key = keyOf(event);
      if (command && key === "k") openDialog({ kind: "switcher" });
      else if (command && key === "/") openDialog({ kind: "help" });
      else if (command && event.shiftKey && key === "f") show("search");
      else if (event.altKey && event.key === "ArrowUp") move(-1, event.shiftKey);
      else if (event.altKey && event.key === "ArrowDown") move(1, event.shiftKey);
      else if (isPlainText(event) && writesNowhere()) {
        // Whoever just types means to say something: the key goes on into the composer.
        document.querySelector<HTMLElement>("[data-composer]")?.focus();
        return;
      } else if (event.key === "Escape" && panel) show(undefined);
      else if (event.key === "Escape" && current && !isTyping(event.target)) markRead(current);
      else return;
      event.preventDefault();
    };
    const markRead = (room: string) => {
      const seq = engine.room(room)?.position.seq;
      if (seq) engine.reached(room, { read: seq, unread: 0 });
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, [rooms, current, panel, engine, user]);
  return null;
}

function isPlainText({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return !ctrlKey && !metaKey && !altKey && [...key].length === 1 && key !== " ";
}

/** Whether nothing that takes keys has the focus, and no dialog is open. */
function writesNowhere(): boolean {
  return document.activeElement === document.body && !document.querySelector("[role=dialog], [role=menu]");
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.matches("input, textarea, [contenteditable]") &&
    "value" in target &&
    target.value !== ""
  );
}
