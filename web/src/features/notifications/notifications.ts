import type { QueryClient } from "@tanstack/react-query";
import type { Conversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { go, parse } from "../../app/router";
import type { Message, Room } from "../../wire/types";
import { drawBadge } from "./favicon";

const shown = new Map<string, Notification>();

/** Notifications while nobody is looking, and the badge of title and icon. */
export function followNotifications(conversation: Conversation, queries: QueryClient): () => void {
  const rooms = () => queries.getQueryData<Room[]>(["rooms"]) ?? [];
  const count = () => {
    const calls = rooms()
      .filter(({ notify }) => notify !== "nothing")
      .map((room) => (room.kind === "direct" || room.kind === "group" ? room.unread : room.mentions));
    badge(calls.reduce((sum, calls) => sum + calls, 0));
  };
  const stopCounting = queries.getQueryCache().subscribe(({ query }) => {
    if (query.queryKey[0] === "rooms") count();
  });
  const stop = conversation.engine.onUpdate((update) => {
    if (update.kind === "said") {
      const room = rooms().find(({ id }) => id === update.message.room);
      if (room) notify(conversation, room, update.message);
    }
    if (update.kind === "standing") {
      // Read here or on another device: the notification has served.
      shown.get(update.room)?.close();
      shown.delete(update.room);
    }
  });
  return () => {
    stop();
    stopCounting();
  };
}

/** Asks for leave to show notifications. Must be called from a click. */
export async function askForNotifications(): Promise<boolean> {
  return "Notification" in window && (await Notification.requestPermission()) === "granted";
}

function notify({ engine, user }: Conversation, room: Room, message: Message): void {
  const { notifications } = usePreferences.getState();
  if (notifications === "off" || !("Notification" in window) || Notification.permission !== "granted") return;
  if (message.sender === user || !concerns(room, message, user)) return;
  const { route } = parse(new URL(location.href));
  const looking = document.visibilityState === "visible" && document.hasFocus();
  if (looking && route.page === "room" && route.room === room.id) return;
  if ((engine.room(room.id)?.standing.read ?? 0) >= message.seq) return;
  const body = notifications === "content" ? message.body.text.slice(0, 200) : t("New message");
  const notification = new Notification(room.name, { body, tag: room.id, icon: "/icon-192.png" });
  notification.onclick = () => {
    window.focus();
    go({ page: "room", room: room.id, seq: message.seq });
    notification.close();
  };
  shown.set(room.id, notification);
}

function concerns({ kind, notify }: Room, { body }: Message, user: string): boolean {
  if (notify === "nothing") return false;
  if (notify === "all" || kind === "direct" || kind === "group") return true;
  return body.mentions?.all === true || body.mentions?.users?.includes(user) === true;
}

function badge(count: number): void {
  document.title = count > 0 ? `(${count > 99 ? "99+" : count}) Hubbub` : "Hubbub";
  drawBadge(count);
}
