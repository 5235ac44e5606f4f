import type { Mark, SeenBy } from "../../wire/types";

/** How far the others have come, at least. */
export interface Reach {
  readonly read: number;
  readonly delivered: number;
}

/** The messages after one place, up to another. */
export interface Span {
  readonly after: number;
  readonly upto: number;
}

/** What of one's own messages somebody got, and what somebody read. */
export interface Receipts {
  readonly delivered: readonly Span[];
  readonly read: readonly Span[];
}

/** Puts together what was asked for and what others' marks tell: who came later has not seen what was before. */
export function receiptsOf(asked: Reach, marks: readonly Mark[]): Receipts {
  const spans = (kind: keyof Reach) =>
    widest([
      { after: 0, upto: asked[kind] },
      ...marks.map((mark) => ({ after: mark.since ?? 0, upto: mark[kind] })),
    ]);
  return { delivered: spans("delivered"), read: spans("read") };
}

/** Whether a message is in one of these. */
export function isWithin(spans: readonly Span[], seq: number): boolean {
  return spans.some(({ after, upto }) => after < seq && seq <= upto);
}

/** Those that are not within another one. */
function widest(spans: readonly Span[]): Span[] {
  let end = 0;
  return spans
    .toSorted((a, b) => a.after - b.after || b.upto - a.upto)
    .filter(({ after, upto }) => {
      const isWider = upto > Math.max(end, after);
      end = Math.max(end, upto);
      return isWider;
    });
}

/** One's own message, as far as it matters here. */
interface Own {
  readonly id: string;
  readonly seq: number;
}

/** Messages asked about at the most. */
export const MOST_ASKED = 6;

/**
 * How far the others have come among one's own messages, the oldest first. Asks about the newest, and
 * only while that is not read about others, halving what is left.
 */
export async function reachOf(own: readonly Own[], seen: (id: string) => Promise<SeenBy>): Promise<Reach> {
  let reach: Reach = { read: 0, delivered: 0 };
  let [from, upto] = [0, own.length - 1];
  let next = upto;
  for (let asked = 0; asked < MOST_ASKED && from <= upto; asked += 1) {
    const message = own[next];
    if (!message) break;
    const { read, delivered } = await seen(message.id);
    const reached = read.length + delivered.length > 0;
    reach = {
      read: Math.max(reach.read, read.length > 0 ? message.seq : 0),
      delivered: Math.max(reach.delivered, reached ? message.seq : 0),
    };
    if (read.length > 0) from = next + 1;
    else upto = next - 1;
    next = Math.floor((from + upto) / 2);
  }
  return reach;
}
