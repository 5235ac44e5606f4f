import type {
  ClientFrame,
  ErrorFrame,
  History,
  Limits,
  Mark,
  Member,
  Message,
  ReadyRoom,
  RoomChange,
  ServerFrame,
} from "../wire/types";
import type { Change } from "./changes";
import { type Failure, isPassing, type Operation, Outbox, type Pending } from "./outbox";
import type { Position } from "./position";
import type { Reached } from "./progress";
import { HEAD_GRACE, RESUME_GRACE, Room, type Standing } from "./room";
import type { StoredOperation } from "./storage";
import type { Request } from "./timeline";

/** Something that the screen or the device's memory has to follow. */
export type Update =
  /** The messages of a room, or what is pending in it, have changed; maybe because somebody wants to see them. */
  | { kind: "timeline"; room: string; wanted?: true }
  /** A message by somebody has just been said: what a notification may be made of. */
  | { kind: "said"; message: Message }
  /** A message has just been deleted: there may be less to read. */
  | { kind: "deleted"; room: string }
  /** How far this user has come in a room. */
  | { kind: "standing"; room: string }
  /** How far others have come in a room. */
  | { kind: "marks"; room: string }
  /** Somebody came, went, or may do something else now. */
  | { kind: "member"; member: Member }
  /** A room's details changed. */
  | { kind: "room"; change: RoomChange }
  /** A room is heard from now on. */
  | { kind: "heard"; room: string }
  /** A room is no longer heard: left, removed from, or destroyed. */
  | { kind: "gone"; room: string }
  /** What is pending has changed: an operation was made, stored, refused or taken back. */
  | { kind: "outbox" }
  /** An operation was refused for good. */
  | { kind: "failed"; pending: Pending }
  /** This was done in a room that is not heard any more: it was refused for good, and is forgotten. */
  | { kind: "lost"; room: string; pending: readonly Pending[] }
  /** A frame that was no operation was refused. */
  | { kind: "refused"; error: ErrorFrame };

/** What a replica needs done. */
export interface Effects {
  /** Sends a frame on the newest connection that is ready. */
  transmit(frame: ClientFrame): void;
  /** Gets a page of a room's history and hands it to {@link Replica.loaded}. */
  load(room: string, request: Request): void;
  /** Follows a change. */
  tell(update: Update): void;
}

/** Bounds until the server has told its own. */
const IN_FLIGHT = 64;

/**
 * What this client knows of its rooms, and what it still has to say. No I/O and no clock of its
 * own.
 *
 * It is one value over all connections: while one is being replaced by another, the frames of both
 * may be fed in any interleaving. Per room it accepts exactly the event that follows. Everything
 * else is either known already or proof of a gap, and then the room is subscribed anew from its
 * position, which makes the gateway send what is missing: as events, as a state sync, or, when the
 * position means nothing to it any more, as a reset, after which the room is loaded again. Heads
 * that come with a heartbeat are proof of a gap as well, when the events they speak of do not come.
 */
export class Replica {
  private readonly known = new Map<string, Room>();
  private readonly outbox = new Outbox();
  private me: string | undefined;
  private bounds: Limits | undefined;
  private online = false;

  constructor(private readonly effects: Effects) {}

  /** The user, once known. */
  get user(): string | undefined {
    return this.me;
  }

  /** The server's bounds, once known. */
  get limits(): Limits | undefined {
    return this.bounds;
  }

  /** A room, if it is heard. */
  room(id: string): Room | undefined {
    return this.known.get(id);
  }

  /** Every room that is heard. */
  rooms(): Iterable<Room> {
    return this.known.values();
  }

  /** What is not stored yet, in the order it was done. */
  pending(): readonly Pending[] {
    return this.outbox.list();
  }

  /** Where each room continues: what `hello` carries. */
  resumePoints(): { room: string; epoch: number; seq: number }[] {
    return [...this.known.values()].map(({ id, position }) => ({ room: id, ...position }));
  }

  /** Rooms and messages as this device remembers them, before any connection. */
  restore(user: string, rooms: Iterable<Room>, operations: Iterable<StoredOperation>): void {
    this.me = user;
    for (const room of rooms) this.known.set(room.id, room);
    for (const { operation, since, failure } of operations) this.outbox.push(operation, since, failure);
  }

  /** There is no connection any more. What is unacknowledged goes out again after `ready`. */
  disconnected(): void {
    this.online = false;
  }

  /** When {@link tick} is next needed, if nothing else happens before. */
  deadline(): number | undefined {
    if (!this.online) return undefined;
    const all = [...this.known.values()].flatMap((room) => [room.deadline(), room.progress.deadline]);
    const set = [...all, this.outbox.deadline()].filter((at) => at !== undefined);
    return set.length > 0 ? Math.min(...set) : undefined;
  }

  /** Lets time pass. */
  tick(now: number): void {
    if (!this.online) return;
    for (const room of this.known.values()) {
      const deadline = room.deadline();
      if (deadline !== undefined && deadline <= now) this.effects.transmit(room.refill(now));
      this.mark(room, now);
    }
    this.transmitDue(now);
  }

  /** Takes a frame. */
  receive(frame: ServerFrame, now: number): void {
    switch (frame.type) {
      case "ready":
        this.ready(frame.user, frame.limits, frame.rooms, now);
        break;
      case "message":
      case "edited":
      case "deleted":
      case "reaction":
      case "member":
      case "room":
        this.event(frame, now);
        break;
      case "sync":
        this.sync(frame.room, { epoch: frame.epoch, seq: frame.upto }, frame.messages, now);
        break;
      case "reset":
        this.reset(frame.room, frame);
        break;
      case "subscribed":
        this.known.get(frame.room)?.answered();
        this.head(frame.room, frame, now + RESUME_GRACE);
        break;
      case "unsubscribed":
        this.gone(frame.room);
        break;
      case "heads":
        for (const { room, epoch, seq } of frame.rooms) {
          this.known.get(room)?.expectBy({ epoch, seq }, now + HEAD_GRACE);
        }
        break;
      case "ack":
        this.stored(frame.id);
        break;
      case "marks":
        for (const mark of frame.marks) this.marked(frame.room, mark);
        break;
      case "error":
        this.refused(frame, now);
        break;
      default:
        // The rest speaks of the connection, of people or of the inbox.
        break;
    }
    this.transmitDue(now);
  }

  /** Does something to a room's log, or takes note that it has failed. False if the outbox is full. */
  perform(operation: Operation, now: number, since: number, failure?: Failure): boolean {
    if (!this.outbox.push(operation, since, failure)) return false;
    this.pendingChanged(operation.room);
    this.transmitDue(now);
    return true;
  }

  /** Sends an operation that has failed once more, under its old id. */
  retry(id: string, now: number): void {
    const pending = this.outbox.get(id);
    if (pending && this.outbox.retry(id)) this.pendingChanged(pending.operation.room);
    this.transmitDue(now);
  }

  /** Takes back an operation that has failed, or has not gone out yet. */
  discard(id: string): void {
    const operation = this.outbox.discard(id);
    if (operation) this.pendingChanged(operation.room);
  }

  /** Takes how far this user has come in a room on this device; the server is told until it knows. */
  reached(id: string, reached: Reached, now: number): void {
    const room = this.known.get(id);
    if (!room) return;
    room.progress.reach(reached);
    if (this.online) this.mark(room, now);
  }

  /** Takes a page of a room's history that was asked for. */
  loaded(id: string, request: Request, page: History): void {
    const room = this.known.get(id);
    if (!room) return;
    if (!room.page(request, page)) {
      // Read before a reset, or too long ago: the same question again.
      this.effects.load(id, request);
      return;
    }
    for (const message of page.messages) this.own(message);
    this.effects.tell({ kind: "timeline", room: id, wanted: true });
  }

  /** Takes how this user stands in a room, as an answer of the API tells it. */
  stands(id: string, standing: Standing): void {
    const room = this.known.get(id);
    if (!room) return;
    room.standing = standing;
    room.progress.confirmed(standing);
    this.effects.tell({ kind: "standing", room: id });
  }

  private ready(user: string, limits: Limits, rooms: readonly ReadyRoom[], now: number): void {
    this.me = user;
    this.bounds = limits;
    this.online = true;
    const heard = new Set(rooms.map(({ room }) => room));
    for (const id of [...this.known.keys()].filter((id) => !heard.has(id))) this.gone(id);
    for (const room of this.known.values()) room.reconnected();
    for (const { room: id, epoch, seq, read, delivered, unread, mentions, unread_from } of rooms) {
      this.head(id, { epoch, seq }, now + RESUME_GRACE);
      const standing = { read, delivered, unread, mentions, unreadFrom: unread_from };
      this.stands(id, standing);
    }
    this.outbox.reconnected();
    const unheard = this.outbox.list().flatMap(({ operation: { room } }) => (heard.has(room) ? [] : room));
    for (const room of new Set(unheard)) this.giveUp(room, "failed");
    for (const room of this.known.values()) this.mark(room, now);
  }

  /** Takes note of where a room stands. One that is new here starts there. */
  private head(id: string, { epoch, seq }: Position, then: number): void {
    const room = this.known.get(id);
    if (room) {
      room.expectBy({ epoch, seq }, then);
    } else {
      this.known.set(id, new Room(id, { epoch, seq }));
      this.effects.tell({ kind: "heard", room: id });
    }
  }

  private event(event: Extract<ServerFrame, { seq: number; sender: string }>, now: number): void {
    const { room: id, epoch, seq } = event;
    if (!this.known.has(id)) {
      // A room's first event may overtake the `subscribed` that announces the room.
      this.head(id, { epoch, seq: Math.max(0, seq - 1) }, now + RESUME_GRACE);
    }
    const room = this.known.get(id);
    if (!room) return;
    const step = room.advance({ epoch, seq });
    if (step === "gap") this.ask(room, event, now);
    if (step !== "next") return;
    if (event.sender === this.me) this.placed(event.id, event);
    switch (event.type) {
      case "message":
        if (room.said(event)) this.effects.tell({ kind: "said", message: event });
        break;
      case "edited":
      case "deleted":
      case "reaction":
        room.changed(event satisfies Change);
        if (event.type === "deleted") this.effects.tell({ kind: "deleted", room: id });
        break;
      case "member":
        this.effects.tell({ kind: "member", member: event });
        break;
      case "room":
        this.effects.tell({ kind: "room", change: event });
        break;
    }
    this.effects.tell({ kind: "timeline", room: id });
  }

  private sync(id: string, upto: Position, messages: readonly Message[], now: number): void {
    const room = this.known.get(id);
    if (!room || upto.epoch < room.position.epoch) return;
    if (!room.sync(upto, messages)) {
      // Only a reset may start an epoch: a sync does not tell what the old one has lost.
      this.ask(room, upto, now);
      return;
    }
    for (const message of messages) this.own(message);
    this.effects.tell({ kind: "timeline", room: id });
  }

  private reset(id: string, { epoch, seq }: Position): void {
    const room = this.known.get(id);
    // Within an epoch a reset may also lead back: then the bus has lost its newest events.
    if (!room || epoch < room.position.epoch) return;
    room.reset({ epoch, seq });
    this.outbox.lostPlaces(id);
    this.effects.load(id, { kind: "latest" });
    this.effects.tell({ kind: "timeline", room: id });
  }

  private gone(id: string): void {
    if (this.known.delete(id)) this.effects.tell({ kind: "gone", room: id });
    this.giveUp(id, "failed");
  }

  /** Forgets what was done in a room that is not heard, where it can't be seen that it has failed. */
  private giveUp(room: string, which: "all" | "failed"): void {
    const pending = this.outbox.giveUp(room, which);
    if (pending.length === 0) return;
    this.effects.tell({ kind: "lost", room, pending });
    this.effects.tell({ kind: "outbox" });
  }

  private marked(id: string, mark: Mark): void {
    const room = this.known.get(id);
    if (!room) return;
    const before = room.marks.get(mark.user);
    if (before && before.version > mark.version) return;
    room.marks.set(mark.user, mark);
    if (mark.user === this.me) {
      const { read, delivered } = mark;
      this.stands(id, { ...room.standing, read, delivered, unreadFrom: mark.unread_from });
    }
    this.effects.tell({ kind: "marks", room: id });
  }

  private mark(room: Room, now: number): void {
    const frame = room.progress.next(room.id, now);
    if (frame) this.effects.transmit(frame);
  }

  private own({ sender, id, epoch, seq }: Message): void {
    if (sender === this.me) this.placed(id, { epoch, seq });
  }

  private placed(id: string, { epoch, seq }: Position): void {
    if (this.outbox.placed(id, { epoch, seq })) this.effects.tell({ kind: "outbox" });
  }

  private stored(id: string): void {
    const operation = this.outbox.stored(id);
    if (operation) this.pendingChanged(operation.room);
  }

  private refused(error: ErrorFrame, now: number): void {
    const { id, room, code, message, retry_after_ms } = error;
    if (id !== undefined && this.outbox.has(id)) {
      const final = this.outbox.refused(id, code, message, retry_after_ms, now);
      const pending = this.outbox.get(id);
      if (pending && !isPassing(code) && !this.known.has(pending.operation.room)) {
        this.giveUp(pending.operation.room, "all");
      } else if (final && pending) {
        this.effects.tell({ kind: "failed", pending });
        this.pendingChanged(pending.operation.room);
      }
      return;
    }
    if (room !== undefined && code === "room_not_found") this.gone(room);
    this.effects.tell({ kind: "refused", error });
  }

  private pendingChanged(room: string): void {
    this.effects.tell({ kind: "outbox" });
    this.effects.tell({ kind: "timeline", room, wanted: true });
  }

  /** Subscribes a room anew from its position, since something before `to` is missing. */
  private ask(room: Room, { epoch, seq }: Position, now: number): void {
    if (this.online && room.misses({ epoch, seq }, now)) this.effects.transmit(room.refill(now));
  }

  private transmitDue(now: number): void {
    if (!this.online) return;
    const inFlight = this.bounds?.in_flight ?? IN_FLIGHT;
    for (;;) {
      const operation = this.outbox.nextDue(now, inFlight);
      if (!operation) return;
      this.effects.transmit(operation);
    }
  }
}
