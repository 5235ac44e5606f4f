import { Backoff } from "../wire/backoff";

type Timer = ReturnType<typeof setTimeout>;

/**
 * What was asked for and has not come: it is asked for once at a time, and after a failure not before
 * a time that grows with each.
 */
export class Loading {
  /** Each with what it waits for; nothing, while it is on its way. */
  private readonly asked = new Map<string, Waiting | undefined>();
  private readonly backoff: Backoff;
  private isOver = false;

  constructor(random?: () => number) {
    this.backoff = new Backoff(random);
  }

  /** Takes note that something is asked for. False if that has to wait, or is on its way. */
  begin(asked: string): boolean {
    if (this.isOver || this.asked.has(asked)) return false;
    this.asked.set(asked, undefined);
    return true;
  }

  /** It has come. */
  came(asked: string): void {
    this.asked.delete(asked);
    this.backoff.reset();
  }

  /** It has not. Calls back when it may be asked for again: after `least` milliseconds, if that is said. */
  failed(asked: string, least: number | undefined, again: () => void): void {
    if (this.isOver) return;
    const end = () => {
      clearTimeout(timer);
      this.asked.delete(asked);
      again();
    };
    const timer = setTimeout(end, (least ?? 0) + this.backoff.wait());
    this.asked.set(asked, { timer, end, isTold: least !== undefined });
  }

  /** There is a network again: nothing waits any longer, but where the server has said how long. */
  wake(): void {
    for (const waiting of [...this.asked.values()]) if (waiting && !waiting.isTold) waiting.end();
  }

  /** Nothing is asked for any more. */
  stop(): void {
    this.isOver = true;
    for (const waiting of this.asked.values()) clearTimeout(waiting?.timer);
  }
}

interface Waiting {
  readonly timer: Timer;
  readonly end: () => void;
  /** Whether the server has said how long. */
  readonly isTold: boolean;
}
