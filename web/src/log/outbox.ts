import type { ClientFrame, ErrorCode } from "../wire/types";
import type { Position } from "./position";

/** What one person does to a room's log: everything that has an id and is acknowledged. */
export type Operation = Extract<ClientFrame, { type: "send" | "edit" | "delete" | "react" }>;

/** Why an operation was refused for good. */
export interface Failure {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** How far an operation has come. */
export type State =
  /** Waits to go out, or for its place in the room. */
  | { kind: "sending" }
  /** Everybody can see it, in this place; it is not stored yet. */
  | { kind: "placed"; position: Position }
  /** Refused for good. It stays until it is retried or discarded. */
  | ({ kind: "failed" } & Failure);

/** An operation that is not stored yet. */
export interface Pending {
  readonly operation: Operation;
  /** When the person did it, by this device's clock: for show only. */
  readonly since: number;
  readonly state: State;
}

interface Entry {
  operation: Operation;
  since: number;
  state: State;
  /** When it goes out (again), in milliseconds; absent: as soon as possible. */
  due: number | undefined;
  /** Whether this connection's gateway owes an answer. */
  inFlight: boolean;
  /** How often it went out on this connection. */
  sent: number;
}

/** Operations in the outbox at the most, those that have failed included. */
export const CAPACITY = 1_000;

/** How long to wait for an ack before the first repetition. Doubles with each, up to eight times. */
const REPEAT_AFTER = 10_000;
/** How long to wait after a refusal that names no time. */
const RETRY_AFTER = 1_000;

/** Codes after which the same frame may succeed. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "rate_limited",
  "slow_mode",
  "overloaded",
  "unavailable",
  "draining",
  "timeout",
  "token_expired",
]);

/** Whether the same frame may succeed later. */
export function isPassing(code: ErrorCode): boolean {
  return PASSING.has(code);
}

/**
 * What is not stored yet, in the order in which the person did it.
 *
 * Each keeps its id until it is acknowledged, over reloads as well, so that sending it once more is
 * always safe and never makes a second one. Within a room they go out one after the other: the next
 * leaves when the one before has its place. So the order they were made in is the order everybody
 * sees, whatever was refused or repeated on the way.
 */
export class Outbox {
  private entries: Entry[] = [];

  /** Adds an operation, which may have failed before. False if there is no room for it or its id is taken. */
  push(operation: Operation, since: number, failure?: Failure): boolean {
    if (this.entries.length >= CAPACITY || this.has(operation.id)) return false;
    const state: State = failure ? { kind: "failed", ...failure } : { kind: "sending" };
    this.entries.push({ operation, since, state, due: undefined, inFlight: false, sent: 0 });
    return true;
  }

  /** Whether an id is in here. */
  has(id: string): boolean {
    return this.entries.some((entry) => entry.operation.id === id);
  }

  /** What is not stored yet. */
  list(): readonly Pending[] {
    return this.entries;
  }

  /** The operation with this id. */
  get(id: string): Pending | undefined {
    return this.entries.find((entry) => entry.operation.id === id);
  }

  /** The next frame to go out now. At most `inFlight` wait for an answer at a time. */
  nextDue(now: number, inFlight: number): Operation | undefined {
    const full = this.entries.filter((entry) => entry.inFlight).length >= inFlight;
    const held = new Set<string>();
    for (const entry of this.entries) {
      const { room } = entry.operation;
      if (entry.state.kind === "failed") continue;
      if (entry.state.kind === "placed" && held.has(room)) continue;
      if (entry.state.kind === "sending") {
        if (held.has(room)) continue;
        held.add(room);
      }
      if ((entry.due !== undefined && entry.due > now) || (full && !entry.inFlight)) continue;
      entry.due = now + REPEAT_AFTER * 2 ** Math.min(entry.sent, 3);
      entry.sent += 1;
      entry.inFlight = true;
      return entry.operation;
    }
    return undefined;
  }

  /** When the next one goes out again, if time alone decides. */
  deadline(): number | undefined {
    const dues = this.entries
      .filter((entry) => entry.state.kind !== "failed")
      .flatMap((entry) => entry.due ?? []);
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  /** There is a new connection, whose gateway owes nothing yet. */
  reconnected(): void {
    for (const entry of this.entries) anew(entry);
  }

  /** The room was reset, so that places in it may be lost. */
  lostPlaces(room: string): void {
    for (const entry of this.entries.filter(({ operation }) => operation.room === room)) {
      if (entry.state.kind === "placed") entry.state = { kind: "sending" };
      anew(entry);
    }
  }

  /** The operation was seen in its place. Says whether it was waiting for that. */
  placed(id: string, position: Position): boolean {
    const entry = this.find(id);
    if (!entry || entry.state.kind === "placed") return false;
    // One that had failed was not lost after all, and wants its ack now.
    if (entry.state.kind === "failed") anew(entry);
    entry.state = { kind: "placed", position };
    return true;
  }

  /** The operation is stored. Returns it if it was waiting for that. */
  stored(id: string): Operation | undefined {
    return this.take((entry) => entry.operation.id === id);
  }

  /** The operation was refused. Says whether that was for good. */
  refused(id: string, code: ErrorCode, detail: string, after: number | undefined, now: number) {
    const entry = this.find(id);
    if (!entry) return false;
    entry.inFlight = false;
    if (isPassing(code) || entry.state.kind === "placed") {
      entry.due = now + (after ?? RETRY_AFTER);
      return false;
    }
    entry.state = { kind: "failed", code, detail };
    return true;
  }

  /** Sends one that has failed once more, under its old id. Says whether there is one. */
  retry(id: string): boolean {
    const entry = this.find(id);
    if (entry?.state.kind !== "failed") return false;
    entry.state = { kind: "sending" };
    anew(entry);
    return true;
  }

  /** Forgets one that has failed or has not gone out yet. Returns it if there is one. */
  discard(id: string): Operation | undefined {
    const given = (entry: Entry) => entry.state.kind === "failed" || entry.sent === 0;
    return this.take((entry) => entry.operation.id === id && given(entry));
  }

  /** Forgets all of a room, or what has failed there. Returns it. */
  giveUp(room: string, which: "all" | "failed"): readonly Pending[] {
    const given = this.entries.filter(
      ({ operation, state }) => operation.room === room && (which === "all" || state.kind === "failed"),
    );
    this.entries = this.entries.filter((entry) => !given.includes(entry));
    return given;
  }

  private find(id: string): Entry | undefined {
    return this.entries.find((entry) => entry.operation.id === id);
  }

  private take(matches: (entry: Entry) => boolean): Operation | undefined {
    const found = this.entries.find(matches);
    if (found) this.entries = this.entries.filter((entry) => entry !== found);
    return found?.operation;
  }
}

function anew(entry: Entry): void {
  entry.due = undefined;
  entry.inFlight = false;
  entry.sent = 0;
}
