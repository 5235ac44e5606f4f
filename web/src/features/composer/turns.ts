/** Lets so many go at the same time; the others wait for their turn. */
export class Turns {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly most: number) {}

  /** Does something when its turn has come. Rejects with the signal's reason if it is aborted before. */
  async take<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    if (this.taken >= this.most) await this.turn(signal);
    else this.taken += 1;
    try {
      signal.throwIfAborted();
      return await act();
    } finally {
      // The place goes to the next in line, so that nobody comes in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.taken -= 1;
    }
  }

  private turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.waiting.splice(this.waiting.indexOf(next), 1);
        reject(signal.reason);
      };
      const next = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      signal.addEventListener("abort", abort);
      this.waiting.push(next);
    });
  }
}
