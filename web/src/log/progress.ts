import type { ClientFrame } from "../wire/types";
import type { Standing } from "./room";

/** What this user has done to their own position in a room. */
export interface Reached {
  readonly delivered?: number;
  readonly read?: number;
  /** From where on the room is unread; 0 takes that back. */
  readonly unread?: number;
}

/** How long the server has to confirm a mark, in milliseconds. Doubles with each repetition. */
export const CONFIRM_WITHIN = 4_000;
/** Repetitions on one connection. What is still unconfirmed then goes out on the next. */
const REPETITIONS = 4;

/**
 * How far this user has come in a room on this device, as long as the server has not said the same.
 * Marks are not acknowledged, and a frame that is sent while a connection ends is lost: so a mark goes
 * out again until the user's own standing shows it.
 */
export class Progress {
  private wanted: Reached = {};
  private sent = 0;
  /** When it goes out again. */
  private due: number | undefined;

  /** Takes what has just been reached; the newest word about what is unread counts. */
  reach({ delivered, read, unread }: Reached): void {
    const known = this.wanted;
    // Who marks a room unread has taken back that they read it, and who reads on, that it is unread.
    const reads = unread !== undefined && unread > 0 ? read : max(known.read, read);
    const marks = unread ?? (read === undefined ? known.unread : undefined);
    this.want({ delivered: max(known.delivered, delivered), read: reads, unread: marks });
    this.sent = 0;
    this.due = 0;
  }

  /** Takes what the server says: what it knows already needs not be told. */
  confirmed({ delivered, read, unreadFrom }: Standing): void {
    const { wanted } = this;
    this.want({
      delivered: beyond(wanted.delivered, delivered),
      read: beyond(wanted.read, read),
      unread: wanted.unread === (unreadFrom ?? 0) ? undefined : wanted.unread,
    });
  }

  /** A new connection: it does not know what the last one was told. */
  reconnected(): void {
    if (this.isEmpty) return;
    this.sent = 0;
    this.due = 0;
  }

  /** Forgets everything: the seqs mean nothing any more. */
  clear(): void {
    this.want({});
  }

  /** When {@link next} is to be asked, if anything is left to say. */
  get deadline(): number | undefined {
    return this.due;
  }

  /** The frame that is to go out now, if one is due. */
  next(room: string, now: number): ClientFrame | undefined {
    if (this.due === undefined || this.due > now) return undefined;
    this.sent += 1;
    this.due = this.sent > REPETITIONS ? undefined : now + CONFIRM_WITHIN * 2 ** (this.sent - 1);
    return { type: "mark", room, ...this.wanted };
  }

  private want({ delivered, read, unread }: Partial<Record<keyof Reached, number | undefined>>): void {
    this.wanted = {
      ...(delivered === undefined ? {} : { delivered }),
      ...(read === undefined ? {} : { read }),
      ...(unread === undefined ? {} : { unread }),
    };
    if (this.isEmpty) this.due = undefined;
  }

  private get isEmpty(): boolean {
    return Object.keys(this.wanted).length === 0;
  }
}

function max(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

/** A seq, if it is beyond what is known. */
function beyond(seq: number | undefined, known: number): number | undefined {
  return seq !== undefined && seq > known ? seq : undefined;
}
