/**
 * One tab of many speaks with the server; the others follow it.
 *
 * The tab that holds the lock is the leader. When it closes, however it closes, the browser gives
 * the lock to another. Tabs talk over a broadcast channel: followers ask, the leader tells.
 */
export interface TabEvents<Told, Asked> {
  /** This tab leads from now on, until it closes or {@link Tabs.leave} is called. */
  lead(): void;
  /** The leader tells. Followers only. */
  told(message: Told): void;
  /** A follower asks. The leader only. */
  asked(message: Asked, from: string): void;
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
  private release: (() => void) | undefined;
  private readonly abort = new AbortController();
  private readonly channel: BroadcastChannel;
  private isOver = false;

  constructor(
    name: string,
    private readonly events: TabEvents<Told, Asked>,
    platform: TabPlatform = browser,
  ) {
    this.channel = platform.channel(name);
    this.channel.onmessage = ({ data }) => this.heard(data as Envelope<Told, Asked>);
    const held = () =>
      new Promise<void>((resolve) => {
        this.release = resolve;
        this.leads = true;
        events.lead();
      });
    platform.locks.request(name, { signal: this.abort.signal }, held).catch((error: unknown) => {
      // Left before it was ever the leader.
      if (!this.abort.signal.aborted) throw error;
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
    this.release?.();
    this.leads = false;
    this.channel.close();
  }

  private post(envelope: Envelope<Told, Asked>): void {
    // What was still on its way when this tab left is nobody's business any more.
    if (!this.isOver) this.channel.postMessage(envelope);
  }

  private heard(envelope: Envelope<Told, Asked>): void {
    if (this.isOver) return;
    if (envelope.kind === "asked") {
      if (this.leads) this.events.asked(envelope.message, envelope.from);
    } else if (!this.leads && (envelope.to === undefined || envelope.to === this.id)) {
      this.events.told(envelope.message);
    }
  }
}
