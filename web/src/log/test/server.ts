import type { ClientFrame, ErrorCode, History, Message, ServerFrame } from "../../wire/types";
import { apply, type Change } from "../changes";
import type { Operation } from "../outbox";
import type { Request } from "../timeline";

type Event = Extract<ServerFrame, { seq: number; sender: string }>;

/** Events that can be resumed one by one; beyond it comes a state sync. */
const HOT = 12;

/** A room of the simulated server. */
export class SimulatedRoom {
  epoch = 1;
  seq = 0;
  events: Event[] = [];
  /** Messages in their latest state, with the seq of the last event that touched them. */
  readonly messages = new Map<string, { message: Message; version: number }>();
  readonly seen = new Map<string, { epoch: number; seq: number }>();

  constructor(readonly id: string) {}

  /** Commits an operation, once for each id, and returns the new event if there is one. */
  commit(operation: Operation, sender: string): Event | undefined {
    if (this.seen.has(operation.id)) return undefined;
    this.seq += 1;
    const at = new Date(this.seq).toISOString();
    const header = { room: this.id, epoch: this.epoch, seq: this.seq, id: operation.id, sender, at };
    const event = eventOf(operation, header);
    this.seen.set(operation.id, { epoch: this.epoch, seq: this.seq });
    this.events.push(event);
    this.fold(event);
    return event;
  }

  private fold(event: Event): void {
    if (event.type === "message") {
      const { type: _, ...message } = event;
      this.messages.set(event.id, { message, version: event.seq });
      return;
    }
    const change = event as Change;
    const target = this.messages.get(change.message);
    if (!target) return;
    target.message = apply(target.message, change);
    target.version = event.seq;
  }

  /** Redis has lost the newest events: the room goes on in a new epoch, far ahead. */
  lose(count: number): void {
    const kept = this.events.length - count;
    const lost = new Set(this.events.slice(kept).map(({ id }) => id));
    this.events = this.events.filter(({ id }) => !lost.has(id));
    for (const id of lost) this.seen.delete(id);
    this.messages.clear();
    for (const event of this.events) this.fold(event);
    this.epoch += 1;
    this.seq += 100;
  }

  /** All messages in order. */
  list(): Message[] {
    return [...this.messages.values()].map(({ message }) => message).sort((a, b) => a.seq - b.seq);
  }

  /** What brings a client from a position to the head. */
  since(epoch: number, seq: number): ServerFrame[] {
    const { id: room } = this;
    if (epoch !== this.epoch || seq > this.seq) {
      return [{ type: "reset", room, epoch: this.epoch, seq: this.seq }];
    }
    const hot = this.events.filter((event) => event.epoch === epoch && event.seq > seq);
    if (hot.length === this.seq - seq && hot.length <= HOT) return hot;
    const changed = [...this.messages.values()].filter(({ version }) => version > seq);
    const messages = changed.map(({ message }) => message).sort((a, b) => a.seq - b.seq);
    return [{ type: "sync", room, epoch: this.epoch, upto: this.seq, messages }];
  }

  /** A page of history. */
  page(request: Request, limit: number): History {
    const all = this.list();
    const window = cut(all, request, limit);
    const { epoch, seq } = this;
    const [first, last] = [window[0], window.at(-1)];
    const older = first ? all.some((message) => message.seq < first.seq) : false;
    const newer = last ? all.some((message) => message.seq > last.seq) : false;
    return {
      epoch,
      seq,
      messages: structuredClone(window),
      ...(older && first ? { before: first.seq } : {}),
      ...(newer && last ? { after: last.seq } : {}),
    };
  }
}

function cut(all: Message[], request: Request, limit: number): Message[] {
  switch (request.kind) {
    case "latest":
      return all.slice(-limit);
    case "before":
      return all.filter(({ seq }) => seq < request.seq).slice(-limit);
    case "after":
      return all.filter(({ seq }) => seq > request.seq).slice(0, limit);
    case "around": {
      const below = all.filter(({ seq }) => seq < request.seq).slice(-Math.floor(limit / 2));
      return [...below, ...all.filter(({ seq }) => seq >= request.seq)].slice(0, limit);
    }
  }
}

type Header = { room: string; epoch: number; seq: number; id: string; sender: string; at: string };

function eventOf(operation: Operation, header: Header): Event {
  switch (operation.type) {
    case "send":
      return {
        type: "message",
        ...header,
        body: { text: operation.body.text ?? "" },
        reactions: [],
      } as Event;
    case "edit":
      return {
        type: "edited",
        ...header,
        message: operation.message,
        body: { text: operation.body.text ?? "" },
      } as Event;
    case "delete":
      return { type: "deleted", ...header, message: operation.message } as Event;
    case "react": {
      const { message, emoji, on } = operation;
      return { type: "reaction", ...header, message, emoji, on } as Event;
    }
  }
}

/** One connection of the client under test. */
export class Link {
  /** Frames on their way to the client. */
  down: ServerFrame[] = [];
  open = true;
  /** Called when there are new ones. */
  onDown: (() => void) | undefined;

  constructor(
    private readonly server: Server,
    resume: { room: string; epoch: number; seq: number }[],
  ) {
    const rooms = [...server.rooms.values()].map(({ id: room, epoch, seq }) => ({
      room,
      epoch,
      seq,
      read: 0,
      delivered: 0,
      unread: 0,
      mentions: 0,
    }));
    this.say({
      type: "ready",
      user: server.me,
      connection: "c",
      node: "n",
      heartbeat_ms: 25_000,
      token_expires_in_ms: 900_000,
      limits: { in_flight: 4, watched: 10 },
      rooms,
      inbox: 0,
    } as unknown as ServerFrame);
    for (const { room, epoch, seq } of resume) {
      this.say(...(server.rooms.get(room)?.since(epoch, seq) ?? []));
    }
  }

  /** Sends frames to the client. */
  say(...frames: ServerFrame[]): void {
    this.down.push(...frames);
    if (frames.length > 0) this.onDown?.();
  }

  /** A frame has arrived from the client. */
  take(frame: ClientFrame): void {
    if (!this.open) return;
    if (frame.type === "subscribe") {
      const room = this.server.rooms.get(frame.room);
      if (!room) return;
      const { id, epoch, seq } = room;
      this.say({ type: "subscribed", room: id, epoch, seq });
      this.say(...room.since(frame.epoch ?? epoch, frame.seq ?? seq));
    } else if ("id" in frame) {
      this.server.operate(frame, this);
    }
  }
}

/** A server with rooms, whose connections a test delays, cuts and deafens as it likes. */
export class Server {
  readonly me = "me";
  readonly rooms = new Map<string, SimulatedRoom>();
  links: Link[] = [];
  /** Acks that wait for storage. */
  owed: { link: Link; room: string; id: string }[] = [];
  /** What was acknowledged. An ack for it may be owed once more, when it was sent once more. */
  private readonly stored = new Set<string>();
  /** How many of the next operations are turned away for a while. */
  refusals = 0;
  /** Why operations are refused for good, while that is so. */
  refusal: ErrorCode | undefined;

  constructor(rooms: string[]) {
    for (const id of rooms) this.rooms.set(id, new SimulatedRoom(id));
  }

  /** Takes an operation from the client under test. */
  operate(operation: Operation, link: Link): void {
    if (this.refusals > 0) {
      this.refusals -= 1;
      const { id, room } = operation;
      const [code, message] = ["rate_limited" as const, "slower"];
      link.say({ type: "error", id, room, code, message, retry_after_ms: 200 });
      return;
    }
    const code = this.rooms.has(operation.room) ? this.refusal : "room_not_found";
    if (code !== undefined) {
      const { id, room } = operation;
      link.say({ type: "error", id, room, code, message: "no" });
      return;
    }
    this.owed.push({ link, room: operation.room, id: operation.id });
    this.publish(operation, this.me);
  }

  /** A room is gone for everybody. */
  destroy(room: string): void {
    this.rooms.delete(room);
    for (const link of this.links.filter((link) => link.open)) link.say({ type: "unsubscribed", room });
  }

  /** Somebody does something. */
  publish(operation: Operation, sender: string): void {
    const event = this.rooms.get(operation.room)?.commit(operation, sender);
    if (!event) return;
    for (const link of this.links.filter((link) => link.open)) link.say(event);
  }

  /** What is committed is stored, and acknowledged. */
  store(): void {
    for (const { link, room, id } of this.owed.splice(0)) {
      const place = this.rooms.get(room)?.seen.get(id);
      if (place) this.stored.add(id);
      if (place) link.say({ type: "ack", id, room, ...place, at: "" } as ServerFrame);
    }
  }

  /** The bus loses the newest events of a room: those that are not stored, so none that was acked. */
  loseUnstored(room: string): void {
    const unstored = new Set(this.owed.map(({ id }) => id).filter((id) => !this.stored.has(id)));
    const events = this.rooms.get(room)?.events ?? [];
    let count = 0;
    while (unstored.has(events.at(-1 - count)?.id ?? "")) count += 1;
    this.owed = this.owed.filter((owed) => owed.room !== room);
    this.lose(room, count);
  }

  /** The bus loses so many events of a room. */
  lose(room: string, count: number): void {
    const held = this.rooms.get(room);
    if (!held) return;
    held.lose(count);
    const { epoch, seq } = held;
    for (const link of this.links.filter((link) => link.open)) {
      link.say({ type: "reset", room, epoch, seq });
    }
  }
}
