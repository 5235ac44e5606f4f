import type { Conversation } from "../../app/conversation";
import type { DeviceStatus } from "../../wire/types";

/** How long without input, in any tab, before somebody is away, in milliseconds. */
export const AWAY_AFTER = 5 * 60_000;
/** How often an input is noted for the other tabs, in milliseconds. */
const NOTED_EVERY = 5_000;
/** How often it is looked whether the time is over, in milliseconds. */
const LOOKS_EVERY = 10_000;
const INPUTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focus"] as const;

/** What all tabs of a browser share: when there last was an input in any of them. */
export interface Shared {
  read(): number;
  write(at: number): void;
}

const LAST_INPUT = "hubbub.last-input";
const storage: Shared = {
  read: () => Number(localStorage.getItem(LAST_INPUT)) || 0,
  write: (at) => localStorage.setItem(LAST_INPUT, String(at)),
};

/** When there last was an input in any tab of this browser, to some seconds, in milliseconds since 1970. */
export function lastInput(): number {
  return storage.read();
}

/** Knows from inputs whether somebody is at this device. Without a browser, so that it can be tested. */
export class Idle {
  private noted = Number.NEGATIVE_INFINITY;
  private state: DeviceStatus = "online";

  constructor(
    private readonly shared: Shared,
    private readonly now: () => number,
    private readonly tell: (status: DeviceStatus) => void,
  ) {}

  /** Whether somebody is at this device. */
  get status(): DeviceStatus {
    return this.state;
  }

  /** Takes note of an input in this tab. */
  input(): void {
    const now = this.now();
    if (now - this.noted >= NOTED_EVERY) {
      this.noted = now;
      this.shared.write(now);
    }
    this.become("online");
  }

  /** Looks whether there has been an input in time, here or in another tab. */
  look(): void {
    const last = Math.max(this.shared.read(), this.noted);
    this.become(this.now() - last >= AWAY_AFTER ? "away" : "online");
  }

  private become(status: DeviceStatus): void {
    if (status === this.state) return;
    this.state = status;
    this.tell(status);
  }
}

/** Tells the server when nobody is at this device any more, and when somebody is again. */
export function followPresence({ engine }: Conversation): () => void {
  const idle = new Idle(storage, Date.now, (status) => engine.volatile({ type: "status", status }));
  const input = () => idle.input();
  input();
  for (const name of INPUTS) window.addEventListener(name, input, { capture: true, passive: true });
  const timer = setInterval(() => idle.look(), LOOKS_EVERY);
  const stop = engine.onFrame((frame) => {
    // A new connection counts as somebody being here.
    if (frame.type === "ready" && idle.status === "away") engine.volatile({ type: "status", status: "away" });
  });
  return () => {
    stop();
    clearInterval(timer);
    for (const name of INPUTS) window.removeEventListener(name, input, { capture: true });
  };
}
