import type { TabPlatform } from "../tabs";

/** How long nobody holds a lock that one tab has left and another waits for, in milliseconds. */
const HAND_OVER = 10;

type Held = () => Promise<void> | undefined;

/** Locks and channels of one browser, without a browser. */
export class Browser implements TabPlatform {
  private readonly waiting: { name: string; held: Held }[] = [];
  private readonly held = new Set<string>();
  private readonly channels = new Set<FakeChannel>();

  readonly locks = {
    request: (name: string, { signal }: LockOptions, held: Held) => {
      const request = { name, held };
      this.waiting.push(request);
      this.next(name);
      return new Promise<void>((_, reject) => {
        signal?.addEventListener("abort", () => {
          const place = this.waiting.indexOf(request);
          if (place >= 0) this.waiting.splice(place, 1);
          reject(signal.reason);
        });
      });
    },
  } as unknown as LockManager;

  private next(name: string): void {
    const place = this.waiting.findIndex((request) => request.name === name);
    const [request] = this.held.has(name) || place < 0 ? [] : this.waiting.splice(place, 1);
    if (!request) return;
    this.held.add(name);
    void Promise.resolve(request.held()).then(() =>
      setTimeout(() => {
        this.held.delete(name);
        this.next(name);
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
