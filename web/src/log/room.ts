import type { ClientFrame, Mark, Message } from "../wire/types";
import type { Change } from "./changes";
import { compare, follows, later, type Position } from "./position";
import { Progress } from "./progress";
import { type Request, SLACK, Timeline, WINDOW } from "./timeline";

/** How long after a head was told by a heartbeat its events may still be on their way. */
export const HEAD_GRACE = 2_000;
/** How long a gateway may take to bring a room from its resume point to its head. */
export const RESUME_GRACE = 10_000;

/** How long an answer that did not help is left as it is before the same is asked for again. */
export const ASK_AGAIN = 1_000;

/** What an event's position means for a room. */
export type Step =
  /** It is the one that follows. The room has moved to it. */
  | "next"
  /** The room is past it. */
  | "known"
  /** Something before it is missing. */
  | "gap";

/** How far this user has come in a room. */
export interface Standing {
  readonly read: number;
  readonly delivered: number;
  readonly unread: number;
  readonly mentions: number;
  /** From where on the room was marked unread. */
  readonly unreadFrom: number | undefined;
}

/** One room as far as it is known here: its position, its messages, and how far people have come. */
export class Room {
  readonly timeline = new Timeline();
  readonly marks = new Map<string, Mark>();
  /** How far this user has come on this device and the server has not confirmed. */
  readonly progress = new Progress();
  standing: Standing = { read: 0, delivered: 0, unread: 0, mentions: 0, unreadFrom: undefined };
  /** Whether its messages are about to be replaced. */
  reloading = false;
  /** The seq that somebody looks at; the end, if nobody does or they look there. */
  lookedAt: number | undefined;
  /** When an answer to a new subscription is expected. */
  private refilling: number | undefined;
  /** From where what is missing was asked for last, and when. */
  private asked: { from: Position; at: number } | undefined;
  /** A head whose events are expected, and until when. */
  private expected: { head: Position; by: number } | undefined;

  constructor(
    readonly id: string,
    private at: Position,
  ) {}

  /** Every event up to here is known, from where the room started or was reset. */
  get position(): Position {
    return this.at;
  }

  /** The last event the room is known to have. */
  get head(): Position {
    return this.expected ? later(this.expected.head, this.at) : this.at;
  }

  /** Moves to an event's position, if it is the one that follows. */
  advance(to: Position): Step {
    if (compare(to, this.at) <= 0) return "known";
    if (!follows(this.at, to)) return "gap";
    this.at = to;
    this.timeline.cover(to.seq, to.seq);
    return "next";
  }

  /** Takes a message that has come live. Says whether that changed anything. */
  said(message: Message): boolean {
    const isNew = this.timeline.put(message, message.seq);
    this.thin();
    return isNew;
  }

  /** Takes a change that has come live. Says whether a message known here is another now. */
  changed(change: Change): boolean {
    return this.timeline.change(change);
  }

  /**
   * Takes a state sync: every message that changed after the position, in its latest state. Says
   * whether it belongs to this epoch; if not, only a reset can help.
   */
  sync(upto: Position, messages: readonly Message[]): boolean {
    if (upto.epoch !== this.at.epoch) return false;
    const from = this.at.seq;
    if (upto.seq > from) this.timeline.passOver(upto.seq);
    for (const message of messages) this.timeline.put(message, Math.max(upto.seq, message.seq));
    this.at = later(this.at, upto);
    this.timeline.cover(from + 1, upto.seq);
    this.thin();
    this.refilling = undefined;
    return true;
  }

  /** Goes on from `position`; the messages wait to be replaced. */
  reset(position: Position): void {
    this.at = position;
    this.refilling = undefined;
    this.expected = undefined;
    this.reloading = true;
    this.timeline.clear(position.seq);
    this.progress.clear();
  }

  /** Takes a page of history. False if it has to be asked for again. */
  page(request: Request, page: Parameters<Timeline["page"]>[1]): boolean {
    const taken = this.timeline.page(request, page, this.at);
    if (taken) this.reloading = false;
    this.thin();
    return taken;
  }

  /** However much was said or read, what is kept in memory has a bound. */
  private thin(): void {
    if (this.timeline.size > WINDOW + SLACK) this.timeline.trim(this.lookedAt ?? this.at.seq);
  }

  /** The frame that makes the gateway send everything after the position. */
  refill(now: number): ClientFrame {
    this.refilling = now + RESUME_GRACE;
    this.asked = { from: this.at, at: now };
    this.expected = undefined;
    return { type: "subscribe", room: this.id, ...this.at };
  }

  /**
   * Something before `to` is missing. Says whether to ask for it now. If an answer is on its way, it may
   * bring it; if one has just come and did not bring it, the next would not either, and the room is due a
   * little later.
   */
  misses(to: Position, now: number): boolean {
    if (this.refilling !== undefined) return false;
    const { asked } = this;
    const again = asked && compare(asked.from, this.at) === 0 ? asked.at + ASK_AGAIN : now;
    if (again <= now) return true;
    this.expected = { head: later(to, this.head), by: Math.min(again, this.expected?.by ?? again) };
    return false;
  }

  /** The gateway has answered: a gap from here on is a new one. */
  answered(): void {
    this.refilling = undefined;
  }

  /** There is a new connection, where nothing was asked for yet. */
  reconnected(): void {
    this.refilling = undefined;
    this.asked = undefined;
    this.progress.reconnected();
  }

  /** Expects the events up to `head` by then. */
  expectBy(head: Position, by: number): void {
    if (compare(this.at, head) < 0 && !this.expected) this.expected = { head, by };
  }

  /** When something expected is overdue, if anything is expected. */
  deadline(): number | undefined {
    if (this.expected && compare(this.expected.head, this.at) <= 0) this.expected = undefined;
    return this.refilling ?? this.expected?.by;
  }
}
