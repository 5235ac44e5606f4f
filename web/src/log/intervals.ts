/** Seqs from `from` to `to`, both included. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/**
 * A set of seqs, kept as intervals in ascending order that neither overlap nor touch.
 *
 * It tells which part of a room's log is known without a hole, whatever parts were loaded in
 * whatever order.
 */
export class Intervals {
  private parts: Interval[] = [];

  /** The intervals, in ascending order. */
  list(): readonly Interval[] {
    return this.parts;
  }

  /** Adds all seqs from `from` to `to`. Nothing if `to` is below `from`. */
  add(from: number, to: number): void {
    if (to < from) return;
    const before = this.parts.filter((part) => part.to < from - 1);
    const after = this.parts.filter((part) => part.from > to + 1);
    const touched = this.parts.slice(before.length, this.parts.length - after.length);
    const merged = {
      from: Math.min(from, touched[0]?.from ?? from),
      to: Math.max(to, touched.at(-1)?.to ?? to),
    };
    this.parts = [...before, merged, ...after];
  }

  /** Takes out all seqs below `seq`. */
  dropBelow(seq: number): void {
    this.parts = this.parts
      .filter((part) => part.to >= seq)
      .map((part) => (part.from < seq ? { from: seq, to: part.to } : part));
  }

  /** Takes out all seqs above `seq`. */
  dropAbove(seq: number): void {
    this.parts = this.parts
      .filter((part) => part.from <= seq)
      .map((part) => (part.to > seq ? { from: part.from, to: seq } : part));
  }

  /** The interval that holds `seq`, if one does. */
  around(seq: number): Interval | undefined {
    return this.parts.find((part) => part.from <= seq && seq <= part.to);
  }

  /** Takes out everything. */
  clear(): void {
    this.parts = [];
  }
}
