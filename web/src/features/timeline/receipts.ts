import type { SeenBy } from "../../wire/types";

/** How far the others have come, at least. */
export interface Reach {
  readonly read: number;
  readonly delivered: number;
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
