import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Connection, type Link } from "../connection";
import type { ClientFrame, ServerFrame } from "../types";

/** A socket whose other end is the test. */
class Socket {
  static readonly all: Socket[] = [];
  readonly OPEN = 1;
  readyState = 0;
  readonly sent: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor() {
    Socket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.readyState = 3;
  }

  opens(): this {
    this.readyState = 1;
    this.onopen?.();
    return this;
  }

  says(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  isReady(node = "a"): this {
    this.opens().says({ type: "ready", node, heartbeat_ms: 20_000, token_expires_in_ms: 900_000 });
    return this;
  }

  closes(code: number): void {
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }
}

function last(): Socket {
  const socket = Socket.all.at(-1);
  if (!socket) throw new Error("no socket was opened");
  return socket;
}

let links: Link[] = [];
let frames: ServerFrame[] = [];
let renewals: (() => Promise<boolean>)[] = [];
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  Socket.all.length = 0;
  [links, frames, renewals] = [[], [], []];
  connection = new Connection({
    open: () => new Socket() as unknown as WebSocket,
    now: () => Date.now(),
    renew: () => renewals.shift()?.() ?? Promise.resolve(true),
    resume: () => [{ room: "tea", epoch: 1, seq: 4 }],
    receive: (frame) => frames.push(frame),
    changed: (link) => links.push(link),
    random: () => 1,
  });
  connection.start();
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
});

const state = () => links.at(-1)?.kind;

describe("a connection", () => {
  test("says where each room continues, and is online when the gateway is ready", () => {
    expect(last().opens().sent).toEqual([{ type: "hello", resume: [{ room: "tea", epoch: 1, seq: 4 }] }]);
    expect(state()).toBe("connecting");
    last().isReady();
    expect(state()).toBe("online");
    expect(frames.map(({ type }) => type)).toEqual(["ready"]);
  });

  test("opens the new socket before it closes the old one when told to move", () => {
    const old = last().isReady("a");
    old.says({ type: "goaway", after_ms: 300, reason: "draining" });
    vi.advanceTimersByTime(299);
    expect(Socket.all.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(Socket.all.length).toBe(2);
    old.says({ type: "typing", room: "tea", user: "u", on: true });
    expect(frames.at(-1)?.type, "the old one still counts").toBe("typing");
    expect(old.readyState).toBe(1);
    last().isReady("b");
    expect(old.readyState).toBe(3);
    expect(
      links.map(({ kind }) => kind),
      "nobody saw a thing",
    ).toEqual(["connecting", "online", "online"]);
  });

  test("comes back after a back-off that grows, and starts anew once it was ready", () => {
    last().closes(1006);
    vi.advanceTimersByTime(499);
    expect(Socket.all.length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(Socket.all.length).toBe(2);
    last().closes(1006);
    vi.advanceTimersByTime(999);
    expect(Socket.all.length).toBe(2);
    vi.advanceTimersByTime(1);
    last().isReady();
    last().closes(4002);
    vi.advanceTimersByTime(500);
    expect(Socket.all.length).toBe(4);
  });

  test("does not come back when it is told not to", () => {
    last().isReady().closes(4502);
    vi.advanceTimersByTime(600_000);
    expect(Socket.all.length).toBe(1);
    expect(links.at(-1)).toEqual({ kind: "ended", code: 4502, reason: "" });
  });

  test("gets a new token when the old one has run out", async () => {
    let renewed = 0;
    renewals = [
      () => {
        renewed += 1;
        return Promise.resolve(true);
      },
    ];
    last().isReady().closes(4001);
    await vi.advanceTimersByTimeAsync(600);
    expect(renewed).toBe(1);
    expect(Socket.all.length).toBe(2);
  });

  test("ends when the session can't be renewed, but not when the server can't be reached", async () => {
    renewals = [() => Promise.reject(new Error("offline")), () => Promise.resolve(false)];
    last().isReady().closes(4001);
    await vi.advanceTimersByTimeAsync(600);
    expect(Socket.all.length).toBe(2);
    last().closes(4001);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state()).toBe("ended");
  });

  test("gets a new token once where its own is invalid, and ends when that is invalid too", async () => {
    let renewed = 0;
    const renew = () => {
      renewed += 1;
      return Promise.resolve(true);
    };
    renewals = [() => Promise.reject(new Error("offline")), renew, renew];
    last().isReady().closes(4501);
    await vi.advanceTimersByTimeAsync(600);
    expect(state(), "the server could not be asked").toBe("connecting");
    last().closes(4501);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(renewed).toBe(1);
    last().isReady().closes(4501);
    await vi.advanceTimersByTimeAsync(600);
    expect(renewed).toBe(2);
    last().closes(4501);
    expect(links.at(-1)).toEqual({ kind: "ended", code: 4501, reason: "" });
  });

  test("replaces its token before it runs out", async () => {
    const socket = last().isReady();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(socket.sent.some(({ type }) => type === "refresh")).toBe(false);
    for (let second = 0; second < 84; second += 1) {
      socket.says({ type: "heads", rooms: [] });
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(socket.sent.some(({ type }) => type === "refresh")).toBe(true);
  });

  test("takes a socket that is silent for two heartbeats for dead", () => {
    const socket = last().isReady();
    vi.advanceTimersByTime(39_000);
    socket.says({ type: "pong" });
    vi.advanceTimersByTime(39_000);
    expect(state()).toBe("online");
    vi.advanceTimersByTime(1_001);
    expect(state()).toBe("connecting");
  });

  test("finds a half-open socket within seconds when the device wakes up", () => {
    last().isReady();
    vi.advanceTimersByTime(1_000);
    connection.probe();
    vi.advanceTimersByTime(3_000);
    expect(state()).toBe("connecting");
  });

  test("keeps a socket that answers a probe", () => {
    const socket = last().isReady();
    vi.advanceTimersByTime(1_000);
    connection.probe();
    vi.advanceTimersByTime(500);
    socket.says({ type: "pong" });
    vi.advanceTimersByTime(3_000);
    expect(state()).toBe("online");
    expect(Socket.all.length).toBe(1);
  });

  test("tries at once when the network comes back", () => {
    for (let attempt = 0; attempt < 6; attempt += 1) {
      last().closes(1006);
      vi.advanceTimersByTime(30_000);
    }
    last().closes(1006);
    const before = Socket.all.length;
    connection.probe();
    expect(Socket.all.length).toBe(before + 1);
  });

  test("gives up a gateway that never says ready", () => {
    last().opens();
    vi.advanceTimersByTime(15_000);
    vi.advanceTimersByTime(500);
    expect(Socket.all.length).toBe(2);
  });

  test("leaves a dial that hangs when the network comes back, and keeps one that is young", () => {
    connection.probe();
    expect(Socket.all.length).toBe(1);
    vi.advanceTimersByTime(3_000);
    connection.probe();
    expect(Socket.all.length).toBe(2);
    expect(Socket.all[0]?.readyState).toBe(3);
    last().isReady();
    expect(state()).toBe("online");
  });

  test("does not wait for the time it was given to move when the old socket dies before", () => {
    last().isReady().says({ type: "goaway", after_ms: 20_000, reason: "draining" });
    last().closes(1006);
    vi.advanceTimersByTime(500);
    expect(Socket.all.length).toBe(2);
    last().isReady();
    vi.advanceTimersByTime(30_000);
    expect(Socket.all.length, "and moves once").toBe(2);
  });

  test("comes back soon from a server that restarts, though it could not move before that", () => {
    const old = last().isReady();
    old.says({ type: "goaway", after_ms: 100, reason: "draining" });
    for (let attempt = 0; attempt < 6; attempt += 1) {
      vi.advanceTimersByTime(30_000 - attempt);
      old.says({ type: "pong" });
      if (last() !== old) last().closes(1006);
    }
    const before = Socket.all.length;
    old.closes(1001);
    vi.advanceTimersByTime(500);
    expect(Socket.all.length).toBe(before + 1);
  });
});
