import type { QueryClient } from "@tanstack/react-query";
import type { Conversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { go, parse, pathOf } from "../../app/router";
import type { Message, Room, User } from "../../wire/types";
import { meet } from "../people/people";
import { isDirect, unreadOf } from "../rooms/rooms";
import { lastInput } from "../session/idle";
import { plainText } from "../timeline/plain";
import { drawBadge } from "./favicon";
import { Hold } from "./hold";
import { concerns, type Looking } from "./rules";

/** How long changes gather before they are counted, in milliseconds. */
const GATHER = 150;
/** Where a tab notes which room is being looked at, for the other tabs. */
const LOOKING = "hubbub.looking";

/** Notifications while nobody is looking, and the badge of title and icon. */
export function followNotifications(conversation: Conversation, queries: QueryClient): () => void {
  const rooms = () => queries.getQueryData<Room[]>(["rooms"]) ?? [];
  const hold = new Hold(lastInput);
  let counting: ReturnType<typeof setTimeout> | undefined;
  const count = () => {
    counting ??= setTimeout(() => {
      counting = undefined;
      badge(callsIn(rooms(), conversation));
    }, GATHER);
  };
  const stopCounting = queries.getQueryCache().subscribe(({ query }) => {
    if (query.queryKey[0] === "rooms") count();
  });
  const stop = conversation.engine.onUpdate((update) => {
    if (update.kind === "said") {
      const { message } = update;
      const room = () => rooms().find(({ id }) => id === message.room);
      if (isCalled(conversation, room(), message)) {
        // Meanwhile it may be read, the room muted or left, the message deleted or another one.
        hold.pass(() => void notify(conversation, room(), message));
      }
    }
    if (update.kind === "said" || update.kind === "standing" || update.kind === "gone") count();
    // Read here or on another device: the notification has served.
    if (update.kind === "standing") {
      void close(update.room, conversation.engine.room(update.room)?.standing.read ?? 0);
    }
  });
  const look = () => tellWhereLooking();
  const left = () => localStorage.removeItem(LOOKING);
  window.addEventListener("focus", look);
  window.addEventListener("popstate", look);
  window.addEventListener("blur", left);
  window.addEventListener("pagehide", left);
  const asked = ({ data }: MessageEvent<{ type?: string; path?: string }>) => {
    if (data?.type !== "open" || !data.path) return;
    const { route, panel } = parse(new URL(data.path, location.origin));
    go(route, panel);
  };
  navigator.serviceWorker?.addEventListener("message", asked);
  return () => {
    stop();
    hold.end();
    stopCounting();
    clearTimeout(counting);
    badge(0);
    window.removeEventListener("focus", look);
    window.removeEventListener("popstate", look);
    window.removeEventListener("blur", left);
    window.removeEventListener("pagehide", left);
    navigator.serviceWorker?.removeEventListener("message", asked);
  };
}

/** What the browser says to notifications of this page. */
export function permission(): NotificationPermission | "unsupported" {
  return "Notification" in window ? Notification.permission : "unsupported";
}

/** Asks for leave to show notifications. Must be called from a click. */
export async function askForNotifications(): Promise<boolean> {
  return "Notification" in window && (await Notification.requestPermission()) === "granted";
}

/** What a notification says, and where it leads. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  /** One of several with the same tag is shown: the latest. */
  readonly tag: string;
  readonly path: string;
  /** The message it tells of: once that is read, the notification has served. */
  readonly seq?: number;
}

/** Shows a notification: through the service worker, which phones insist on, else from the page. */
export async function showNotification({ title, body, tag, path, seq }: Notice): Promise<void> {
  const { sounds } = usePreferences.getState();
  const options = { body, tag, icon: "/icon-192.png", silent: !sounds, data: { path, seq } };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker?.active) {
    await worker.showNotification(title, options);
    return;
  }
  const notification = new Notification(title, options);
  notification.onclick = () => {
    window.focus();
    const { route, panel } = parse(new URL(path, location.origin));
    go(route, panel);
    notification.close();
  };
  shown.set(tag, notification);
}

const shown = new Map<string, Notification>();

/** Takes a room's notification away once what it tells of is read. That it has arrived is not enough. */
async function close(tag: string, read: number): Promise<void> {
  if (permission() !== "granted") return;
  const worker = await navigator.serviceWorker?.getRegistration();
  const all = [...((await worker?.getNotifications({ tag })) ?? []), shown.get(tag)];
  for (const notification of all) {
    const { seq } = (notification?.data ?? {}) as Pick<Notice, "seq">;
    if (seq !== undefined && seq <= read) notification?.close();
  }
}

/** Whether somebody is to be notified of a message, as things stand now. */
function isCalled({ engine, user }: Conversation, room: Room | undefined, message: Message): room is Room {
  if (!room || usePreferences.getState().notifications === "off" || permission() !== "granted") return false;
  const log = engine.room(room.id);
  const read = log?.standing.read ?? 0;
  const { reply_to } = message.body;
  const repliesToMe = reply_to !== undefined && log?.timeline.byId(reply_to)?.sender === user;
  tellWhereLooking();
  return concerns({ room, message, user, repliesToMe, read, looking: whereLooking() });
}

async function notify(conversation: Conversation, room: Room | undefined, said: Message): Promise<void> {
  const sender = await meet(said.sender).catch(() => undefined);
  const message = conversation.engine.room(said.room)?.timeline.byId(said.id) ?? said;
  if (message.deleted_at || !isCalled(conversation, room, message)) return;
  const { seq } = message;
  const path = pathOf({ page: "room", room: room.id, seq });
  await showNotification({ title: room.name, body: told(room, message, sender), tag: room.id, path, seq });
}

/** What a notification says. A conversation of two bears the name of the other one as its title. */
function told(room: Room, message: Message, sender: User | undefined): string {
  if (usePreferences.getState().notifications !== "content") return t("New message");
  const text = plainText(message.body.text).slice(0, 200) || t("A file");
  if (!sender || room.kind === "direct") return text;
  return t("{name}: {text}", { name: sender.display_name, text });
}

/** Notes for all tabs which room this one shows, if somebody is looking at it. */
function tellWhereLooking(): void {
  if (document.visibilityState !== "visible" || !document.hasFocus()) return;
  const { route } = parse(new URL(location.href));
  const looking: Looking = { room: route.page === "room" ? route.room : undefined };
  localStorage.setItem(LOOKING, JSON.stringify(looking));
}

function whereLooking(): Looking | undefined {
  const noted = localStorage.getItem(LOOKING);
  return noted ? (JSON.parse(noted) as Looking) : undefined;
}

/** What calls this person: what is said to them alone, and where they are named. Never in muted rooms. */
function callsIn(rooms: readonly Room[], { engine, user }: Conversation): number {
  return rooms
    .filter(({ notify }) => notify !== "nothing")
    .map((room) => ({ room, unread: unreadOf(room, engine.room(room.id), user) }))
    .reduce((sum, { room, unread }) => sum + (isDirect(room) ? unread.messages : unread.mentions), 0);
}

function badge(count: number): void {
  document.title = count > 0 ? `(${count > 99 ? "99+" : count}) Hubbub` : "Hubbub";
  drawBadge(count);
}
