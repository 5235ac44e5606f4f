import type { Link } from "../wire/connection";
import { ApiError } from "../wire/http";
import type { ClientFrame, History, ServerFrame } from "../wire/types";
import { Loading } from "./loading";
import { isPassing, type Operation, type Pending } from "./outbox";
import type { Reached } from "./progress";
import { Replica, type Update } from "./replica";
import { Room } from "./room";
import { type Memory, REMEMBERED, type StoredOperation, type StoredRoom } from "./storage";
import type { Tabs } from "./tabs";
import type { Request } from "./timeline";
import { Watching } from "./watching";

/** How often changed rooms are written to the device's memory, at the most. */
const REMEMBER_EVERY = 2_000;

/** The part of a connection that the engine uses. */
export interface Wire {
  start(): void;
  stop(): void;
  probe(): void;
  send(frame: ClientFrame): boolean;
}

/** What the engine needs from outside. All of it can be replaced in tests. */
export interface Environment {
  /** Makes the connection, which is started only while this tab leads. */
  connect(events: ConnectionEvents): Wire;
  /** Reads a page of history. */
  history(room: string, request: Request): Promise<History>;
  /** Milliseconds that only grow. */
  now(): number;
  /** Between 0 and 1, for times that must not be the same on every device. */
  random?(): number;
  /** Joins the other tabs. */
  tabs(events: ConstructorParameters<typeof Tabs<Told, Asked>>[1]): Tabs<Told, Asked>;
  memory: Memory;
}

/** What a connection tells the engine. */
export interface ConnectionEvents {
  resume(): { room: string; epoch: number; seq: number }[];
  receive(frame: ServerFrame): void;
  changed(link: Link): void;
}

/** What the leading tab tells the others. */
export type Told =
  | { kind: "frame"; frame: ServerFrame }
  | { kind: "link"; link: Link }
  | { kind: "operation"; operation: Operation; since: number }
  | { kind: "retry" | "discard"; id: string }
  /** There is another leader, who knows nothing of the others yet. */
  | { kind: "led" };

/** What other tabs ask of the leading one. */
export type Asked =
  | { kind: "join" }
  | { kind: "transmit"; frame: ClientFrame }
  | { kind: "watch"; users: readonly string[] }
  | { kind: "operation"; operation: Operation; since: number }
  | { kind: "retry" | "discard"; id: string }
  | { kind: "probe" };

/**
 * One user's conversation on this device: the rooms, the outbox, the connection, the other tabs and
 * the device's memory, joined.
 *
 * Every tab keeps its own replica. The leading tab has the socket and passes each frame on; the
 * others take it as if it were theirs, and pass on what their person does. When the leader closes,
 * another tab takes its place from where it stands.
 */
export class Engine {
  private readonly replica: Replica;
  private readonly tabs: Tabs<Told, Asked>;
  private readonly wire: Wire;
  private readonly listeners = new Set<(update: Update) => void>();
  private readonly frames = new Set<(frame: ServerFrame) => void>();
  private readonly links = new Set<(link: Link) => void>();
  private readonly dirty = new Set<string>();
  private readonly loading: Loading;
  /** Whom all tabs watch; known to the leader. */
  private readonly watching: Watching;
  /** Whom this tab watches. */
  private watched: readonly string[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private remembering: ReturnType<typeof setTimeout> | undefined;
  private lastReady: Extract<ServerFrame, { type: "ready" }> | undefined;
  private state: Link = { kind: "idle" };
  private stopped = false;

  private constructor(
    private readonly env: Environment,
    user: string,
    rooms: StoredRoom[],
    operations: readonly StoredOperation[],
  ) {
    this.loading = new Loading(env.random);
    this.watching = new Watching(() => this.tellWatched(), env.random);
    this.replica = new Replica({
      transmit: (frame) => this.transmit(frame),
      load: (room, request) => void this.load(room, request),
      tell: (update) => this.tell(update),
    });
    this.replica.restore(user, rooms.map(recall), operations);
    this.wire = env.connect({
      resume: () => this.replica.resumePoints(),
      receive: (frame) => this.receive(frame),
      changed: (link) => this.changed(link),
    });
    this.tabs = env.tabs({
      lead: () => void this.lead(),
      told: (message) => this.told(message),
      asked: (message, from) => this.asked(message, from),
      left: (tab) => this.watching.left(tab),
    });
    this.tabs.ask({ kind: "join" });
  }

  /** Takes up the conversation where this device left it. */
  static async start(env: Environment, user: string): Promise<Engine> {
    const [rooms, operations] = await Promise.all([env.memory.rooms(), env.memory.operations()]);
    return new Engine(env, user, rooms, operations);
  }

  /** Ends it for this tab. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.remembering);
    this.loading.stop();
    this.watching.stop();
    this.wire.stop();
    this.tabs.leave();
  }

  /** How the device stands with the server, whichever tab has the socket. */
  get link(): Link {
    return this.state;
  }

  /** A room, if it is heard. */
  room(id: string): Room | undefined {
    return this.replica.room(id);
  }

  /** Every room that is heard. */
  rooms(): Iterable<Room> {
    return this.replica.rooms();
  }

  /** What is not stored yet. */
  pending(): readonly Pending[] {
    return this.replica.pending();
  }

  /** The server's bounds, once known. */
  get limits() {
    return this.replica.limits;
  }

  /** Calls back with every update, until the returned function is called. */
  onUpdate(listener: (update: Update) => void): () => void {
    return register(this.listeners, listener);
  }

  /** Calls back with every frame: for what is neither a room's log nor the outbox. */
  onFrame(listener: (frame: ServerFrame) => void): () => void {
    return register(this.frames, listener);
  }

  /** Calls back with every change of the link. */
  onLink(listener: (link: Link) => void): () => void {
    return register(this.links, listener);
  }

  /**
   * Does something to a room's log. It is in the device's memory before it goes out. False if too
   * much waits already.
   */
  async perform(operation: Operation): Promise<boolean> {
    const since = Date.now();
    await this.env.memory.keep(operation, since);
    if (!this.replica.perform(operation, this.env.now(), since)) {
      await this.env.memory.forget(operation.id);
      return false;
    }
    this.pass({ kind: "operation", operation, since });
    this.schedule();
    return true;
  }

  /** Tries an operation that has failed once more. */
  retry(id: string): void {
    this.replica.retry(id, this.env.now());
    this.keepFailure(id, undefined);
    this.pass({ kind: "retry", id });
    this.schedule();
  }

  /** Takes an operation back that has failed. */
  discard(id: string): void {
    this.replica.discard(id);
    void this.env.memory.forget(id);
    this.pass({ kind: "discard", id });
  }

  /** Marks how far this user has come in a room. */
  reached(room: string, reached: Reached): void {
    this.replica.reached(room, reached, this.env.now());
    this.schedule();
  }

  /** Has the server tell what these people are doing, instead of those before. It is told again when it must. */
  watch(users: readonly string[]): void {
    this.watched = users;
    this.tabs.ask({ kind: "watch", users });
  }

  /** Sends a frame that is not kept: typing, whether somebody is away. */
  volatile(frame: ClientFrame): void {
    this.transmit(frame);
  }

  /**
   * Loads a part of a room's history, unless the same is on its way already. If that fails, whoever
   * follows the room is told when it can be asked for again.
   */
  async load(id: string, request: Request): Promise<void> {
    const asked = JSON.stringify([id, request]);
    if (!this.loading.begin(asked)) return;
    const page = await this.env.history(id, request).catch((error: unknown) => {
      const least = error instanceof ApiError ? error.problem?.retry_after_ms : undefined;
      this.loading.failed(asked, least, () => this.loadAgain(id, request));
    });
    if (!page) return;
    this.loading.came(asked);
    if (!this.stopped) this.replica.loaded(id, request, page);
  }

  private loadAgain(id: string, request: Request): void {
    // A room that is waiting to be shown must come; anything else comes if somebody still wants it.
    if (this.replica.room(id)?.reloading) void this.load(id, request);
    else this.tell({ kind: "timeline", room: id, wanted: true });
  }

  /** Makes sure of the connection: the device woke up, or the page is looked at again. */
  probe(): void {
    if (this.tabs.isLeader) this.wire.probe();
    else this.tabs.ask({ kind: "probe" });
  }

  private async lead(): Promise<void> {
    // What other tabs did and the last leader had not finished.
    for (const { operation, since, failure } of await this.env.memory.operations()) {
      this.replica.perform(operation, this.env.now(), since, failure);
    }
    if (this.stopped) return;
    this.tabs.tell({ kind: "led" });
    this.watch(this.watched);
    this.wire.start();
  }

  /** The leader alone knows whom all of them watch, and only once it is greeted how many that may be. */
  private tellWatched(): void {
    const { limits } = this.replica;
    if (!this.tabs.isLeader || !limits) return;
    this.wire.send({ type: "watch", users: this.watching.users(limits.watched) });
  }

  private told(message: Told): void {
    switch (message.kind) {
      case "frame":
        this.take(message.frame);
        break;
      case "link":
        this.follow(message.link);
        break;
      case "operation":
        this.replica.perform(message.operation, this.env.now(), message.since);
        break;
      case "retry":
        this.replica.retry(message.id, this.env.now());
        break;
      case "discard":
        this.replica.discard(message.id);
        break;
      case "led":
        this.watch(this.watched);
        break;
    }
  }

  private asked(message: Asked, from: string): void {
    switch (message.kind) {
      case "join":
        this.welcome(from);
        break;
      case "transmit":
        this.wire.send(message.frame);
        break;
      case "watch":
        this.watching.watches(from, message.users);
        break;
      case "probe":
        this.wire.probe();
        break;
      case "operation":
        this.replica.perform(message.operation, this.env.now(), message.since);
        this.tabs.tell(message);
        break;
      case "retry":
        this.replica.retry(message.id, this.env.now());
        this.tabs.tell(message as Told);
        break;
      case "discard":
        this.replica.discard(message.id);
        this.tabs.tell(message as Told);
        break;
    }
    this.schedule();
  }

  /** Tells a new tab where everything stands. */
  private welcome(tab: string): void {
    if (tab === this.tabs.id) return;
    if (this.lastReady) {
      const greeted = new Map(this.lastReady.rooms.map((room) => [room.room, room]));
      const rooms = [...this.replica.rooms()].map(({ id: room, position, standing }) => ({
        room,
        ...position,
        read: standing.read,
        delivered: standing.delivered,
        unread: standing.unread,
        mentions: standing.mentions,
        notify: greeted.get(room)?.notify ?? "mentions",
        version: greeted.get(room)?.version ?? 0,
        ...(standing.unreadFrom === undefined ? {} : { unread_from: standing.unreadFrom }),
      }));
      this.tabs.tell({ kind: "frame", frame: { ...this.lastReady, rooms } }, tab);
    }
    this.tabs.tell({ kind: "link", link: this.state }, tab);
  }

  private pass(message: Extract<Asked, Told>): void {
    if (this.tabs.isLeader) this.tabs.tell(message);
    else this.tabs.ask(message);
  }

  private receive(frame: ServerFrame): void {
    if (frame.type === "ready") this.lastReady = frame;
    this.take(frame);
    this.tabs.tell({ kind: "frame", frame });
    this.followWatching(frame);
  }

  private followWatching(frame: ServerFrame): void {
    if (frame.type === "ready") this.tellWatched();
    if (frame.type === "presence") this.watching.answered();
    // Of what is refused for a while, all but this names an operation or a room.
    if (
      frame.type === "error" &&
      frame.id === undefined &&
      frame.room === undefined &&
      isPassing(frame.code)
    ) {
      this.watching.refused(frame.retry_after_ms);
    }
  }

  private take(frame: ServerFrame): void {
    this.replica.receive(frame, this.env.now());
    if (frame.type === "ack") void this.env.memory.forget(frame.id);
    for (const listener of this.frames) listener(frame);
    this.schedule();
  }

  private changed(link: Link): void {
    this.follow(link);
    this.tabs.tell({ kind: "link", link });
  }

  private follow(link: Link): void {
    this.state = link;
    if (link.kind === "online") this.loading.wake();
    else this.replica.disconnected();
    for (const listener of this.links) listener(link);
  }

  private transmit(frame: ClientFrame): void {
    if (this.tabs.isLeader) this.wire.send(frame);
    // Operations go out from the leader's own outbox.
    else if (!("id" in frame)) this.tabs.ask({ kind: "transmit", frame });
  }

  private tell(update: Update): void {
    if (update.kind === "timeline" || update.kind === "standing") this.remember(update.room);
    if (update.kind === "gone") void this.env.memory.forgetRoom(update.room);
    if (update.kind === "failed") this.noteFailure(update.pending);
    if (update.kind === "lost") {
      for (const { operation } of update.pending) void this.env.memory.forget(operation.id);
    }
    for (const listener of this.listeners) listener(update);
  }

  private noteFailure({ operation, state }: Pending): void {
    if (state.kind !== "failed") return;
    this.keepFailure(operation.id, { code: state.code, detail: state.detail });
  }

  private keepFailure(id: string, failure: StoredOperation["failure"]): void {
    // On a device that is full it may go out once more after a reload, and is refused once more.
    this.env.memory.keepFailure(id, failure).catch(() => undefined);
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const deadline = this.replica.deadline();
    if (deadline === undefined || this.stopped) return;
    const tick = () => {
      this.replica.tick(this.env.now());
      this.schedule();
    };
    this.timer = setTimeout(tick, Math.max(0, deadline - this.env.now()));
  }

  private remember(room: string): void {
    this.dirty.add(room);
    this.remembering ??= setTimeout(() => {
      this.remembering = undefined;
      const rooms = [...this.dirty].flatMap((id) => this.replica.room(id) ?? []);
      this.dirty.clear();
      // A device that is full remembers what it has.
      this.env.memory.keepRooms(rooms.map(memorise)).catch(() => undefined);
    }, REMEMBER_EVERY);
  }
}

function register<T>(set: Set<T>, listener: T): () => void {
  set.add(listener);
  return () => set.delete(listener);
}

/** The newest part of a room, as far as it has no hole. */
function memorise({ id, position, timeline }: Room): StoredRoom {
  const tail = timeline.intervals().at(-1);
  const messages = timeline
    .messages()
    .filter(({ seq }) => tail && seq >= tail.from)
    .slice(-REMEMBERED);
  const from = messages.length === REMEMBERED ? messages[0]?.seq : tail?.from;
  const covered = tail && from !== undefined ? [{ from, to: tail.to }] : [];
  return { id, position, messages, covered };
}

function recall({ id, position, messages, covered }: StoredRoom): Room {
  const room = new Room(id, position);
  for (const message of messages) room.timeline.put(message, position.seq);
  for (const { from, to } of covered) room.timeline.cover(from, to);
  return room;
}
