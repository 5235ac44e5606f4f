import { Backoff } from "../wire/backoff";

/**
 * Whom a device watches. Each tab has people on its screen; the server knows one list for the connection
 * that they share, which each `watch` replaces. It is told again as long as it refuses.
 */
export class Watching {
  /** The people of each tab. Whichever has told of its own last comes last. */
  private readonly lists = new Map<string, readonly string[]>();
  private readonly backoff: Backoff;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    /** Tells the server. */
    private readonly tell: () => void,
    random?: () => number,
  ) {
    this.backoff = new Backoff(random);
  }

  /** Takes whom a tab watches from now on. */
  watches(tab: string, users: readonly string[]): void {
    this.lists.delete(tab);
    this.lists.set(tab, users);
    this.tell();
  }

  /** A tab is gone. */
  left(tab: string): void {
    if (this.lists.delete(tab)) this.tell();
  }

  /** All of them, up to so many: those of the tab that was used last go first. */
  users(most: number): string[] {
    return [...new Set([...this.lists.values()].reverse().flat())].slice(0, most);
  }

  /** The server watches nobody, or not those of the last list. It is told again, after `least` milliseconds. */
  refused(least = 0): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.tell, least + this.backoff.wait());
  }

  /** The server has answered. */
  answered(): void {
    this.backoff.reset();
  }

  /** Nobody is told any more. */
  stop(): void {
    clearTimeout(this.timer);
  }
}
