/**
 * One tab of many speaks with the server; the others follow it.
 *
 * The tab that holds the lock is the leader. When it closes, however it closes, the browser gives
 * the lock to another. Tabs talk over a broadcast channel: followers ask, the leader tells. Each tab has
 * a lock of its own besides, by which the leader knows that it is there.
 */
export interface TabEvents<Told, Asked> {
  /** This tab leads from now on, until it closes or {@link Tabs.leave} is called. */
  lead(): void;
  /** The leader tells. Followers only. */
  told(message: Told): void;
  /** A follower asks. The leader only. */
  asked(message: Asked, from: string): void;
  /** A follower that has asked something is closed. The leader only. */
  left(tab: string): void;
}

type Envelope<Told, Asked> =
  | { kind: "told"; to: string | undefined; message: Told }
  | { kind: "asked"; from: string; message: Asked };

/** What of the browser is used; it can be replaced in tests. */
export interface TabPlatform {
  readonly locks: Pick<LockManager, "request">;
  channel(name: string): BroadcastChannel;
}

const browser: TabPlatform = {
  get locks() {
    return navigator.locks;
  },
  channel: (name) => new BroadcastChannel(name),
};

export class Tabs<Told, Asked> {
  /** This tab's name among its siblings. */
  readonly id = crypto.randomUUID();
  private leads = false;
  /** Lets go of the locks that are held. */
  private readonly releases: (() => void)[] = [];
  /** Followers whose end is waited for. */
  private readonly followers = new Set<string>();
  private readonly abort = new AbortController();
  private readonly channel: BroadcastChannel;
  private isOver = false;

  constructor(
    private readonly name: string,
    private readonly events: TabEvents<Told, Asked>,
    private readonly platform: TabPlatform = browser,
  ) {
    this.lock(this.lockOf(this.id), () => this.hold());
    this.channel = platform.channel(name);
    this.channel.onmessage = ({ data }) => this.heard(data as Envelope<Told, Asked>);
    this.lock(name, () => {
      this.leads = true;
      events.lead();
      return this.hold();
    });
  }

  /** Whether this tab is the leader. */
  get isLeader(): boolean {
    return this.leads;
  }

  /** The leader tells every other tab, or one. What any other tab says of itself is nobody's business. */
  tell(message: Told, to?: string): void {
    if (this.leads) this.post({ kind: "told", to, message });
  }

  /** Asks the leader. From the leader itself, the question comes straight back to it. */
  ask(message: Asked): void {
    if (this.leads) this.events.asked(message, this.id);
    else this.post({ kind: "asked", from: this.id, message });
  }

  /** Gives up the lead, or the wish for it. */
  leave(): void {
    this.isOver = true;
    this.abort.abort();
    for (const release of this.releases) release();
    this.leads = false;
    this.channel.close();
  }

  private post(envelope: Envelope<Told, Asked>): void {
    // What was still on its way when this tab left is nobody's business any more.
    if (!this.isOver) this.channel.postMessage(envelope);
  }

  private lockOf(tab: string): string {
    return `${this.name}.${tab}`;
  }

  private lock(name: string, held: () => Promise<void> | undefined): void {
    const { signal } = this.abort;
    this.platform.locks.request(name, { signal }, held).catch((error: unknown) => {
      // Left before it was ever given the lock.
      if (!signal.aborted) throw error;
    });
  }

  /** Until this tab leaves. */
  private hold(): Promise<void> {
    return new Promise((resolve) => this.releases.push(resolve));
  }

  private follow(tab: string): void {
    if (this.followers.has(tab)) return;
    this.followers.add(tab);
    this.lock(this.lockOf(tab), () => {
      this.followers.delete(tab);
      if (!this.isOver) this.events.left(tab);
      return undefined;
    });
  }

  private heard(envelope: Envelope<Told, Asked>): void {
    if (this.isOver) return;
    if (envelope.kind === "asked") {
      if (!this.leads) return;
      this.follow(envelope.from);
      this.events.asked(envelope.message, envelope.from);
    } else if (!this.leads && (envelope.to === undefined || envelope.to === this.id)) {
      this.events.told(envelope.message);
    }
  }
}
