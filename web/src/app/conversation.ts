import { createContext, useCallback, useContext, useMemo, useSyncExternalStore } from "react";
import { Engine, type Environment } from "../log/engine";
import type { Operation, Pending } from "../log/outbox";
import type { Update } from "../log/replica";
import type { Room } from "../log/room";
import { Memory } from "../log/storage";
import { Tabs } from "../log/tabs";
import type { Request } from "../log/timeline";
import { uuid7 } from "../log/uuid";
import { toast } from "../ui/Toasts";
import { Connection, type Link, openSocket } from "../wire/connection";
import type { Api } from "../wire/http";
import type { Draft, History } from "../wire/types";
import { drawn } from "./drawing";
import { t } from "./i18n";

/** The least time between two drawings, in milliseconds. */
const FRAME = 30;
/** How many times as long as a drawing took the browser is left alone after it, for what is typed. */
const LEFT_FREE = 3;
/** The longest that it is left alone: what is said must be seen. */
const LONGEST = 300;
/** Messages of one page of history. */
const PAGE = 60;

/** Starts the conversation of a user on this device. */
export async function startConversation(api: Api, user: string): Promise<Conversation> {
  const memory = await Memory.open(user, () => location.reload());
  const environment: Environment = {
    memory,
    now: () => performance.now(),
    tabs: (events) => new Tabs(`hubbub.${user}`, events),
    history: (room, request) =>
      api.ask<History>(`rooms/${room}/messages`, { query: { limit: PAGE, ...query(request) } }),
    connect: (events) =>
      new Connection({
        open: () => openSocket(`${location.origin.replace(/^http/, "ws")}/ws`),
        now: () => performance.now(),
        renew: () => api.renew(),
        ...events,
      }),
  };
  return new Conversation(await Engine.start(environment, user), memory, user);
}

function query(request: Request): Record<string, number> {
  return request.kind === "latest" ? {} : { [request.kind]: request.seq };
}

/** The engine as components see it: snapshots that change when something changed. */
export class Conversation {
  private readonly versions = new Map<string, number>();
  private readonly watchers = new Map<string, Set<() => void>>();
  private readonly touched = new Set<string>();
  private telling: ReturnType<typeof setTimeout> | undefined;
  private isDrawing = false;
  private hurry = false;

  constructor(
    readonly engine: Engine,
    readonly memory: Memory,
    readonly user: string,
  ) {
    engine.onUpdate((update) => {
      for (const topic of topicsOf(update)) this.touch(topic, isWanted(update));
    });
    engine.onLink(() => this.touch("link", true));
  }

  /** Calls back when a topic changes: a room's id, "rooms", "outbox" or "link". */
  watch(topic: string, callback: () => void): () => void {
    const set = this.watchers.get(topic) ?? new Set();
    this.watchers.set(topic, set.add(callback));
    return () => set.delete(callback);
  }

  /** A number that is another one after each change of a topic. */
  version(topic: string): number {
    return this.versions.get(topic) ?? 0;
  }

  /** Says something. False, as of all that follow, if it could not be done. */
  send(room: string, body: Draft): Promise<boolean> {
    return this.perform({ type: "send", id: uuid7(), room, body });
  }

  /** Changes what was said. */
  edit(room: string, message: string, text: string): Promise<boolean> {
    return this.perform({ type: "edit", id: uuid7(), room, message, body: { text } });
  }

  /** Deletes a message. */
  delete(room: string, message: string): Promise<boolean> {
    return this.perform({ type: "delete", id: uuid7(), room, message });
  }

  /** Puts an emoji under a message, or takes it away. */
  react(room: string, message: string, emoji: string, on: boolean): Promise<boolean> {
    return this.perform({ type: "react", id: uuid7(), room, message, emoji, on });
  }

  /** Says so when it can't be done. Nothing of it is left then. */
  private async perform(operation: Operation): Promise<boolean> {
    try {
      if (await this.engine.perform(operation)) return true;
      toast(t("Too much is waiting to be sent. Try again when there is a connection."));
    } catch {
      toast(t("This device has no space to keep that until it is sent. Free some, and try again."));
    }
    return false;
  }

  /**
   * Tells of a change: at once while it is quiet or somebody waits for it, and else of many together,
   * so that what is typed has its turn.
   */
  private touch(topic: string, wanted: boolean): void {
    this.touched.add(topic);
    this.hurry ||= wanted;
    if (!this.isDrawing && (this.hurry || this.telling === undefined)) this.tellTouched();
  }

  private tellTouched(): void {
    clearTimeout(this.telling);
    this.telling = undefined;
    this.hurry = false;
    if (this.touched.size === 0) return;
    const topics = [...this.touched];
    this.touched.clear();
    for (const topic of topics) this.versions.set(topic, this.version(topic) + 1);
    this.isDrawing = true;
    const began = performance.now();
    for (const topic of topics) for (const callback of this.watchers.get(topic) ?? []) callback();
    // Components draw after this, and the browser after them.
    drawn(began, (took) => {
      this.isDrawing = false;
      const rest = this.hurry ? 0 : Math.min(LONGEST, Math.max(FRAME, took * LEFT_FREE));
      this.telling = setTimeout(() => this.tellTouched(), rest);
    });
  }
}

/** Whether it answers to what the person has just done. */
function isWanted(update: Update): boolean {
  switch (update.kind) {
    case "said":
    case "deleted":
    case "marks":
    case "standing":
      return false;
    case "timeline":
      return update.wanted === true;
    default:
      return true;
  }
}

function topicsOf(update: Update): string[] {
  switch (update.kind) {
    case "timeline":
    case "marks":
      return [update.room];
    case "standing":
      return [update.room, "rooms"];
    case "said":
    case "deleted":
      return ["rooms"];
    case "heard":
    case "gone":
      return [update.room, "rooms"];
    case "member":
      return [update.member.room, "rooms"];
    case "room":
      return [update.change.room, "rooms"];
    case "outbox":
      return ["outbox"];
    case "failed":
      return [update.pending.operation.room, "outbox"];
    case "lost":
      return ["outbox"];
    case "refused":
      return [];
  }
}

/** The conversation of whoever is logged in. */
export const ConversationContext = createContext<Conversation | undefined>(undefined);

/** The conversation of whoever is logged in. */
export function useConversation(): Conversation {
  const conversation = useContext(ConversationContext);
  if (!conversation) throw new Error("there is no conversation outside a session");
  return conversation;
}

/** Draws the component anew when a topic changes. The number is another one after each change. */
export function useTopic(topic: string): number {
  const conversation = useConversation();
  const subscribe = useCallback(
    (callback: () => void) => conversation.watch(topic, callback),
    [conversation, topic],
  );
  return useSyncExternalStore(subscribe, () => conversation.version(topic));
}

/** A room of the log, drawn anew when it changes. */
export function useRoomLog(id: string): { room: Room | undefined; version: number } {
  const version = useTopic(id);
  return { room: useConversation().engine.room(id), version };
}

/** What of a room is not stored yet. The same list until that changes. */
export function usePending(room: string): readonly Pending[] {
  const version = useTopic("outbox");
  const { engine } = useConversation();
  return useMemo(() => {
    void version;
    return engine.pending().filter(({ operation }) => operation.room === room);
  }, [engine, room, version]);
}

/** How this device stands with the server. */
export function useLink(): Link {
  useTopic("link");
  return useConversation().engine.link;
}
