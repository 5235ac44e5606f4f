import type { TabPlatform } from "../tabs";

/** How long nobody holds a lock that one tab has left and another waits for, in milliseconds. */
const HAND_OVER = 10;

/** Locks and channels of one browser, without a browser. */
export class Browser implements TabPlatform {
  private readonly waiting: (() => Promise<void>)[] = [];
  private held = false;
  private readonly channels = new Set<FakeChannel>();

  readonly locks = {
    request: (_: string, { signal }: LockOptions, held: () => Promise<void>) => {
      this.waiting.push(held);
      this.next();
      return new Promise<void>((_, reject) => {
        signal?.addEventListener("abort", () => {
          const place = this.waiting.indexOf(held);
          if (place >= 0) this.waiting.splice(place, 1);
          reject(signal.reason);
        });
      });
    },
  } as unknown as LockManager;

  private next(): void {
    if (this.held) return;
    const held = this.waiting.shift();
    if (!held) return;
    this.held = true;
    void held().then(() =>
      setTimeout(() => {
        this.held = false;
        this.next();
      }, HAND_OVER),
    );
  }

  channel(): BroadcastChannel {
    const channel = new FakeChannel(this.channels);
    return channel as unknown as BroadcastChannel;
  }
}

class FakeChannel {
  onmessage: ((event: { data: unknown }) => void) | null = null;

  constructor(private readonly all: Set<FakeChannel>) {
    all.add(this);
  }

  postMessage(data: unknown): void {
    if (!this.all.has(this)) throw new Error("the channel is closed");
    const copy = structuredClone(data);
    for (const other of this.all) {
      if (other !== this) queueMicrotask(() => this.all.has(other) && other.onmessage?.({ data: copy }));
    }
  }

  close(): void {
    this.all.delete(this);
  }
}
