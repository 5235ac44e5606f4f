/** The longest the first wait can be, in milliseconds. */
const FIRST = 500;
/** The longest any wait can be, in milliseconds. */
const LONGEST = 30_000;

/**
 * Exponential back-off with full jitter: a random time between nothing and a bound that doubles with
 * each attempt. Clients that lost their node together do not come back together.
 *
 * Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export class Backoff {
  private attempts = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** The time to wait before the next attempt, in milliseconds. */
  wait(): number {
    const bound = Math.min(FIRST * 2 ** Math.min(this.attempts, 6), LONGEST);
    this.attempts += 1;
    return this.random() * bound;
  }

  /** An attempt has succeeded. */
  reset(): void {
    this.attempts = 0;
  }
}
