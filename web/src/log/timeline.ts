import type { History, Message } from "../wire/types";
import { apply, type Change } from "./changes";
import { type Interval, Intervals } from "./intervals";
import type { Position } from "./position";

/** Messages kept in memory for one room. Those farthest from what is looked at go first. */
export const WINDOW = 1_500;
/** So many more may gather before they are thinned out, which need not be done for each of them. */
export const SLACK = 500;

/** Changes that are remembered, for pages that were read before them and arrive after them. */
const CHANGES = 1_000;

/** A part of the history that a page covers. */
export type Request =
  | { kind: "latest" }
  | { kind: "before"; seq: number }
  | { kind: "after"; seq: number }
  | { kind: "around"; seq: number };

/** What a list of messages is drawn from: messages in order, and where something is not loaded. */
export type Row =
  | { kind: "message"; message: Message }
  /** Messages after `after` and before `before` are not loaded. `before` 1 means: from the start. */
  | { kind: "gap"; after: number; before: number };

interface Entry {
  message: Message;
  /** The seq up to which the message's state is known. Changes up to there are in it already. */
  asOf: number;
}

/**
 * The messages of one room that are known here, in the room's order, each once.
 *
 * They come as live events, as state syncs and as pages of history, in any order and repeatedly.
 * Which seqs are covered is kept as intervals, so that a hole is a row of its own and never silent.
 */
export class Timeline {
  private readonly entries = new Map<number, Entry>();
  private readonly places = new Map<string, number>();
  private readonly known = new Intervals();
  private readonly changes: Change[] = [];
  private oldestChange = 0;
  private order: number[] | undefined = [];

  /** Whether the room's first event is covered, so that nothing older is to be loaded. */
  get complete(): boolean {
    return this.known.around(1) !== undefined;
  }

  /** The covered parts of the log, in ascending order. */
  intervals(): readonly Interval[] {
    return this.known.list();
  }

  /** A message by its id. */
  byId(id: string): Message | undefined {
    const seq = this.places.get(id);
    return seq === undefined ? undefined : this.entries.get(seq)?.message;
  }

  /** A message by its place. */
  bySeq(seq: number): Message | undefined {
    return this.entries.get(seq)?.message;
  }

  /** How many messages are known. */
  get size(): number {
    return this.entries.size;
  }

  /** Everything known, in order. */
  messages(): Message[] {
    return this.seqs().flatMap((seq) => this.entries.get(seq)?.message ?? []);
  }

  /** What to draw: messages, and gaps where something is not loaded. */
  rows(head: number): Row[] {
    const rows: Row[] = [];
    const gaps = this.gaps(head);
    let next = 0;
    for (const seq of this.seqs()) {
      for (let gap = gaps[next]; gap && gap.before <= seq; gap = gaps[++next]) {
        rows.push({ kind: "gap", ...gap });
      }
      const message = this.entries.get(seq)?.message;
      if (message) rows.push({ kind: "message", message });
    }
    for (const gap of gaps.slice(next)) rows.push({ kind: "gap", ...gap });
    return rows;
  }

  /** The holes between what is covered, before it and, up to `head`, after it. */
  gaps(head: number): { after: number; before: number }[] {
    const gaps: { after: number; before: number }[] = [];
    let after = 0;
    for (const { from, to } of this.known.list()) {
      if (from > after + 1) gaps.push({ after, before: from });
      after = to;
    }
    if (after < head) gaps.push({ after, before: head + 1 });
    return gaps;
  }

  /** Takes note that all events from `from` to `to`, of whatever kind, were heard. */
  cover(from: number, to: number): void {
    this.known.add(from, to);
  }

  /** Puts a message in its place, as it was up to `asOf`. Says whether anything changed. */
  put(message: Message, asOf: number): boolean {
    const there = this.places.get(message.id);
    if (there !== undefined && there !== message.seq) {
      const other = this.entries.get(there)?.message;
      if (other && !replaces(message, other)) return false;
      this.remove(there);
    }
    const held = this.entries.get(message.seq);
    if (held?.message.id === message.id && held.asOf >= asOf) return false;
    if (held && held.message.id !== message.id) this.remove(message.seq);
    this.entries.set(message.seq, { message: this.brought(message, asOf), asOf });
    this.places.set(message.id, message.seq);
    if (!held) this.order = undefined;
    return true;
  }

  /** The message after what has changed it since `asOf`. */
  private brought(message: Message, asOf: number): Message {
    return this.changes
      .filter((change) => change.message === message.id && change.seq > asOf)
      .reduce(apply, message);
  }

  /** Applies a live change. Says whether a message known here is another now. */
  change(change: Change): boolean {
    this.changes.push(change);
    if (this.changes.length > CHANGES) {
      this.passOver(this.changes.shift()?.seq ?? 0);
    }
    const seq = this.places.get(change.message);
    const entry = seq === undefined ? undefined : this.entries.get(seq);
    if (!entry || change.seq <= entry.asOf) return false;
    const message = apply(entry.message, change);
    entry.asOf = change.seq;
    if (message === entry.message) return false;
    entry.message = message;
    return true;
  }

  /**
   * Takes a page of history. False if it is too old: so much has changed since it was read that
   * it would bring back what is gone. Then it has to be asked for again.
   */
  page(request: Request, page: History, position: Position): boolean {
    if (page.epoch !== position.epoch || page.seq < this.oldestChange) return false;
    for (const message of page.messages) this.put(message, page.seq);
    const first = page.messages[0]?.seq;
    const last = page.messages.at(-1)?.seq;
    const from = page.before === undefined ? 1 : first;
    const to = page.after === undefined ? page.seq : last;
    if (request.kind === "before") {
      this.known.add(from ?? 1, request.seq - 1);
    } else if (request.kind === "after") {
      this.known.add(request.seq + 1, to ?? page.seq);
    } else if (from !== undefined && to !== undefined) {
      this.known.add(from, to);
    }
    return true;
  }

  /**
   * Takes note that not every change up to `seq` was told here, one by one: a page that was read before
   * could bring back what is gone.
   */
  passOver(seq: number): void {
    this.oldestChange = Math.max(this.oldestChange, seq);
  }

  /** Forgets everything, because the room is to be loaded anew, as it is from `seq` on. */
  clear(seq: number): void {
    this.entries.clear();
    this.places.clear();
    this.known.clear();
    this.changes.length = 0;
    this.oldestChange = seq;
    this.order = [];
  }

  /**
   * Forgets messages until no more than `most` are left: those farthest from `keep`, which is the
   * place that is looked at.
   */
  trim(keep: number, most: number = WINDOW): void {
    const seqs = this.seqs();
    let [low, high] = [0, seqs.length];
    while (high - low > most) {
      const below = keep - (seqs[low] ?? keep);
      const above = (seqs[high - 1] ?? keep) - keep;
      if (below >= above) low += 1;
      else high -= 1;
    }
    const [first, last] = [seqs[low], seqs[high - 1]];
    if (low > 0 && first !== undefined) this.known.dropBelow(first);
    if (high < seqs.length && last !== undefined) this.known.dropAbove(last);
    for (const seq of [...seqs.slice(0, low), ...seqs.slice(high)]) this.remove(seq);
  }

  private seqs(): number[] {
    this.order ??= [...this.entries.keys()].sort((a, b) => a - b);
    return this.order;
  }

  private remove(seq: number): void {
    const entry = this.entries.get(seq);
    if (!entry) return;
    this.entries.delete(seq);
    this.places.delete(entry.message.id);
    this.order = undefined;
  }
}

/**
 * Of two copies of a message in one epoch the first counts, as in the store; otherwise the later
 * epoch's, since the earlier epoch has lost it.
 */
function replaces(here: Message, there: Message): boolean {
  return here.epoch === there.epoch ? here.seq < there.seq : here.epoch > there.epoch;
}
