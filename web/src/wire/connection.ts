import { Backoff } from "./backoff";
import type { ClientFrame, ServerFrame } from "./types";

/** How a client stands with the server. */
export type Link =
  /** Nothing was tried yet, or the client was stopped. */
  | { kind: "idle" }
  /** No connection is ready. `since` is when the last one was lost, by the given clock. */
  | { kind: "connecting"; since: number }
  | { kind: "online"; node: string }
  /** The server does not want this client: the session is over, or the client is broken. */
  | { kind: "ended"; code: number; reason: string };

/** What a connection needs from outside. All of it can be replaced in tests. */
export interface Surroundings {
  /** Opens a socket. */
  open(): WebSocket;
  /** Milliseconds that only grow. */
  now(): number;
  /** Gets new tokens. False if the session is over; it throws if the server can't be reached. */
  renew(): Promise<boolean>;
  /** Where rooms continue. */
  resume(): { room: string; epoch: number; seq: number }[];
  /** Takes every frame but those that speak of the connection alone. */
  receive(frame: ServerFrame): void;
  /** Takes note of how the client stands. */
  changed(link: Link): void;
  /** Random numbers for the back-off. */
  random?(): number;
}

/** Close codes from here to 4999 forbid to come back. */
const FINAL = 4500;
const TOKEN_EXPIRED = 4001;
const TOKEN_INVALID = 4501;
/** How long a socket may take from opening to `ready`. */
const READY_WITHIN = 15_000;
/** How long a probed server may take to say anything. */
const PROBE_WITHIN = 3_000;
/** How long before its end an access token is replaced. */
const RENEW_BEFORE = 60_000;
/** How long after a failed renewal the next is tried. */
const RENEW_AGAIN = 5_000;
const SUBPROTOCOL = "hubbub.v1";

/** Opens a socket as the server expects it. */
export function openSocket(url: string): WebSocket {
  return new WebSocket(url, SUBPROTOCOL);
}

/** One socket after another: at most one in use, and one that is to take its place. */
export class Connection {
  private current: Line | undefined;
  private next: Line | undefined;
  private link: Link = { kind: "idle" };
  private dialTimer: ReturnType<typeof setTimeout> | undefined;
  /** When that is over, by the given clock. */
  private dialAt = 0;
  private readonly backoff: Backoff;
  private stopped = true;
  /** Whether there are new tokens since a connection was ready last. */
  private isRenewed = false;

  constructor(private readonly around: Surroundings) {
    this.backoff = new Backoff(around.random?.bind(around));
  }

  /** Connects, and stays connected until {@link stop}. */
  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.become({ kind: "connecting", since: this.around.now() });
    this.dial();
  }

  /** Closes what is open. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.dialTimer);
    this.next?.close();
    this.current?.close();
    this.next = undefined;
    this.current = undefined;
    if (this.link.kind !== "ended") this.become({ kind: "idle" });
  }

  /** Sends a frame, if a connection is ready. */
  send(frame: ClientFrame): boolean {
    return this.current?.send(frame) ?? false;
  }

  /**
   * Makes sure that the connection is alive, and tries at once if there is none: for when the
   * device wakes up, the network comes back or the page is looked at again.
   */
  probe(): void {
    if (this.stopped) return;
    if (this.current) {
      this.current.probe();
      return;
    }
    // One that has been dialling for so long may be dialling into a network that is gone.
    if (this.next && this.next.age < PROBE_WITHIN) return;
    this.next?.close();
    this.next = undefined;
    this.backoff.reset();
    this.dial();
  }

  private become(link: Link): void {
    this.link = link;
    this.around.changed(link);
  }

  private dial(): void {
    clearTimeout(this.dialTimer);
    this.dialTimer = undefined;
    if (this.stopped || this.next) return;
    const line: Line = new Line(this.around, {
      ready: (node) => this.ready(line, node),
      goAway: (after) => this.dialIn(after),
      lost: (code, reason) => void this.lost(line, code, reason),
    });
    this.next = line;
  }

  /** Dials after a while, or sooner if that was to be already. */
  private dialIn(wait: number): void {
    if (this.stopped || this.next) return;
    const at = this.around.now() + wait;
    if (this.dialTimer !== undefined && this.dialAt <= at) return;
    clearTimeout(this.dialTimer);
    this.dialAt = at;
    this.dialTimer = setTimeout(() => this.dial(), wait);
  }

  private ready(line: Line, node: string): void {
    const old = this.current;
    this.current = line;
    this.next = undefined;
    this.isRenewed = false;
    this.backoff.reset();
    this.become({ kind: "online", node });
    // Only now: whatever came over the old socket meanwhile was taken, and nothing is missing.
    old?.close();
  }

  private async lost(line: Line, code: number, reason: string): Promise<void> {
    if (line !== this.current && line !== this.next) return;
    const wasCurrent = line === this.current;
    if (wasCurrent) {
      this.current = undefined;
      // What failed while this one served tells nothing of what comes after it.
      this.backoff.reset();
    } else {
      this.next = undefined;
    }
    if (this.stopped) return;
    // The key that signed the token may be retired: a new token is worth one try.
    const isStale = code === TOKEN_EXPIRED || (code === TOKEN_INVALID && !this.isRenewed);
    if (code >= FINAL && code <= 4999 && !isStale) {
      this.end(code, reason);
      return;
    }
    if (!this.current && this.link.kind !== "connecting") {
      this.become({ kind: "connecting", since: this.around.now() });
    }
    if (isStale && !(await this.renewed())) {
      if (!this.stopped) this.end(code, reason);
      return;
    }
    this.dialIn(this.backoff.wait());
  }

  /** False only if the session is known to be over. */
  private async renewed(): Promise<boolean> {
    try {
      this.isRenewed = await this.around.renew();
      return this.isRenewed;
    } catch {
      return true;
    }
  }

  private end(code: number, reason: string): void {
    this.stop();
    this.become({ kind: "ended", code, reason });
  }
}

interface LineEvents {
  ready(node: string): void;
  goAway(after: number): void;
  lost(code: number, reason: string): void;
}

/** One socket, from opening to close, with the timers that belong to it. */
class Line {
  private readonly socket: WebSocket;
  private heartbeat = READY_WITHIN;
  private isReady = false;
  private isOver = false;
  private readonly openedAt: number;
  private heardAt: number;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private ping: ReturnType<typeof setInterval> | undefined;
  private renewal: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly around: Surroundings,
    private readonly events: LineEvents,
  ) {
    this.openedAt = around.now();
    this.heardAt = this.openedAt;
    this.socket = around.open();
    this.socket.onopen = () => this.transmit({ type: "hello", resume: around.resume() });
    this.socket.onmessage = ({ data }) => this.heard(String(data));
    this.socket.onclose = ({ code, reason }) => this.over(code, reason);
    this.silence = setTimeout(() => this.over(4004, "no answer"), READY_WITHIN);
  }

  /** How long ago it was opened, in milliseconds. */
  get age(): number {
    return this.around.now() - this.openedAt;
  }

  send(frame: ClientFrame): boolean {
    return this.isReady && this.transmit(frame);
  }

  probe(): void {
    const asked = this.around.now();
    this.transmit({ type: "ping" });
    setTimeout(() => {
      if (this.heardAt < asked) this.over(4004, "no answer");
    }, PROBE_WITHIN);
  }

  close(): void {
    if (this.isOver) return;
    this.finish();
    this.socket.close(1000);
  }

  private transmit(frame: ClientFrame): boolean {
    if (this.isOver || this.socket.readyState !== this.socket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  private heard(text: string): void {
    if (this.isOver) return;
    this.heardAt = this.around.now();
    const frame = JSON.parse(text) as ServerFrame;
    this.watchSilence();
    switch (frame.type) {
      case "ready":
        this.heartbeat = frame.heartbeat_ms;
        this.isReady = true;
        this.watchSilence();
        this.ping = setInterval(() => this.transmit({ type: "ping" }), this.heartbeat / 2);
        this.renewIn(frame.token_expires_in_ms - RENEW_BEFORE);
        // The new connection is in use before its first frame is taken, so that what the frame
        // makes necessary is sent on it.
        this.events.ready(frame.node);
        this.around.receive(frame);
        break;
      case "goaway":
        this.events.goAway(frame.after_ms);
        break;
      case "refreshed":
        this.renewIn(frame.token_expires_in_ms - RENEW_BEFORE);
        break;
      case "pong":
        break;
      default:
        this.around.receive(frame);
    }
  }

  /** A server that has said nothing for two heartbeats counts as gone. */
  private watchSilence(): void {
    clearTimeout(this.silence);
    const wait = this.isReady ? this.heartbeat * 2 : READY_WITHIN;
    this.silence = setTimeout(() => this.over(4004, "silence"), wait);
  }

  private renewIn(wait: number): void {
    clearTimeout(this.renewal);
    this.renewal = setTimeout(() => void this.renew(), Math.max(1_000, wait));
  }

  private async renew(): Promise<void> {
    try {
      if (await this.around.renew()) this.transmit({ type: "refresh" });
      else this.over(4502, "session ended");
    } catch {
      if (!this.isOver) this.renewIn(RENEW_AGAIN);
    }
  }

  private over(code: number, reason: string): void {
    if (this.isOver) return;
    this.finish();
    this.socket.close();
    this.events.lost(code, reason);
  }

  private finish(): void {
    this.isOver = true;
    clearTimeout(this.silence);
    clearInterval(this.ping);
    clearTimeout(this.renewal);
    this.socket.onopen = null;
    this.socket.onmessage = null;
    this.socket.onclose = null;
  }
}
