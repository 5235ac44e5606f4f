import type { Memory, StoredUpload } from "../../log/storage";

/** How long a tab that is gone may take to come back, as after a reload, in milliseconds. */
const GRACE = 5_000;

/** A file of which it is to be remembered how it stands. */
export type Kept = Omit<StoredUpload, "tab" | "size">;

type Take = (known: StoredUpload, file: File) => void;

/**
 * Files that wait to be sent, as the device remembers them: they survive a reload and a crash. Of
 * several tabs one carries a file, for as long as it holds the file's lock; when it is gone for good,
 * another one takes the file over.
 */
export class Keeping {
  /** Files that this tab carries, and what lets go of them. */
  private readonly held = new Map<string, () => void>();
  private readonly over = new AbortController();

  constructor(
    private readonly memory: Memory,
    /** This tab's name, which a reload does not change. */
    private readonly tab: string,
    private readonly locks: Pick<LockManager, "request"> = navigator.locks,
  ) {}

  /** Remembers a file that was attached in this tab. False if it will not survive a reload. */
  async keep(kept: Kept, file: File): Promise<boolean> {
    await this.hold(kept.key);
    return this.memory.keepUpload({ ...kept, size: file.size, tab: this.tab }, file).catch(() => false);
  }

  /** Takes note of how a file stands. */
  change(key: string, change: Partial<StoredUpload>): void {
    // Without a memory there is nothing to take note in.
    void this.memory.changeUpload(key, change).catch(() => undefined);
  }

  /** Forgets a file that was taken back. */
  async forget(key: string): Promise<void> {
    await this.memory.forgetUpload(key).catch(() => undefined);
    this.release(key);
  }

  /** The file is this tab's no more: it was sent. */
  release(key: string): void {
    this.held.get(key)?.();
    this.held.delete(key);
  }

  /** Takes up what was left behind, and from now on whatever other tabs leave behind. */
  async recall(take: Take): Promise<void> {
    for (const known of await this.memory.uploads(Date.now())) {
      if (!(await this.adopt(known, take))) void this.inherit(known, take).catch(() => undefined);
    }
  }

  /** Ends it for this tab. What is remembered stays. */
  end(): void {
    this.over.abort();
    for (const key of [...this.held.keys()]) this.release(key);
  }

  /** Takes a file up, if no other tab carries it and it is still there. */
  private async adopt({ key }: StoredUpload, take: Take): Promise<boolean> {
    if (!(await this.hold(key))) return false;
    const found = this.over.signal.aborted ? undefined : await this.memory.upload(key);
    if (!found || this.over.signal.aborted) {
      this.release(key);
      return found === undefined;
    }
    this.change(key, { tab: this.tab, isHeld: false });
    take(found.known, found.file);
    return true;
  }

  /** Waits until the tab that carries a file is gone, and takes the file up. */
  private async inherit(known: StoredUpload, take: Take): Promise<void> {
    const { signal } = this.over;
    do {
      await this.locks.request(nameOf(known.key), { signal }, () => undefined);
      // It may be back in a moment, and wants its file then.
      if (known.tab !== this.tab) await new Promise((resolve) => setTimeout(resolve, GRACE));
    } while (!(await this.adopt(known, take)) && !signal.aborted);
  }

  /** Takes a file's lock until the file is released. False if another tab has it. */
  private hold(key: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const held = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock ? new Promise<void>((release) => this.held.set(key, release)) : undefined;
      };
      this.locks.request(nameOf(key), { ifAvailable: true }, held).catch(reject);
    });
  }
}

function nameOf(key: string): string {
  return `hubbub.upload.${key}`;
}
