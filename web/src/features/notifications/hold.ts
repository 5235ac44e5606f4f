/** How long a notification waits where nobody seems to be: so long it takes to read on another device, in ms. */
export const HELD = 2_500;
/** How long without input nobody seems to be at this browser, in milliseconds. */
export const QUIET = 15_000;

/**
 * Notifications that wait, for the person may be reading on another device: then the server tells in a
 * moment that they have read it, and there is nothing to notify of. It does not tell what other devices there
 * are; so whoever has not touched this browser for a while is taken to be at one.
 */
export class Hold {
  private readonly waiting = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    /** When there last was an input in any tab, and what time it is, in milliseconds. */
    private readonly lastInput: () => number,
    private readonly now: () => number = Date.now,
  ) {}

  /** Does something now if somebody is here, else in a moment. Whether it still makes sense, `act` finds out. */
  pass(act: () => void): void {
    if (this.now() - this.lastInput() < QUIET) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      this.waiting.delete(timer);
      act();
    }, HELD);
    this.waiting.add(timer);
  }

  /** What waits is not done any more. */
  end(): void {
    for (const timer of this.waiting) clearTimeout(timer);
    this.waiting.clear();
  }
}
