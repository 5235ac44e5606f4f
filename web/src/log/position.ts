/** How far somebody has come in a room's log. Ordered by epoch, then by seq. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
}

/** Negative if `a` is before `b`, 0 if they are the same place, positive if it is after. */
export function compare(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.seq - b.seq;
}

/** Whether `next` directly follows `here`. */
export function follows(here: Position, next: Position): boolean {
  return next.epoch === here.epoch && next.seq === here.seq + 1;
}

/** The greater of two positions. */
export function later(a: Position, b: Position): Position {
  return compare(a, b) >= 0 ? a : b;
}
