import { expect, vi } from "vitest";
import { rowsOf } from "../../features/timeline/rows";
import { Connection, type Link } from "../../wire/connection";
import { Engine } from "../engine";
import { Memory } from "../storage";
import { Tabs } from "../tabs";
import { Browser } from "./browser";
import type { Network } from "./network";

const USER = "me";

/** Node's, where these tests run. */
declare function setImmediate(callback: () => void): void;

/** Lets what the device's memory has to do be done: it works in steps of the real event loop. */
async function remembered(): Promise<void> {
  for (let step = 0; step < 4; step += 1) await new Promise<void>((done) => setImmediate(done));
}

/** Lets time pass, for the network and for the client. */
export async function pass(time: number): Promise<void> {
  const slice = time > 5_000 ? 250 : 25;
  for (let left = time; left > 0; left -= slice) {
    await remembered();
    vi.advanceTimersByTime(Math.min(slice, left));
  }
  await remembered();
}

/** One person's device: tabs that share a memory and a connection. */
export class Device {
  readonly browser = new Browser();
  readonly tabs: Tab[] = [];
  private made = 0;

  constructor(
    readonly network: Network,
    private readonly random: () => number = () => 0.5,
  ) {}

  /** Opens a tab. */
  async open(): Promise<Tab> {
    const memory = await Memory.open(USER);
    const engine = await Engine.start(
      {
        memory,
        now: () => performance.now(),
        random: this.random,
        tabs: (events) => new Tabs(`hubbub.${USER}`, events, this.browser),
        history: (room, request) => this.network.history(room, request),
        connect: (events) =>
          new Connection({
            open: () => this.network.open(),
            now: () => performance.now(),
            renew: () => Promise.resolve(true),
            random: this.random,
            ...events,
          }),
      },
      USER,
    );
    const tab = new Tab(this, engine);
    this.tabs.push(tab);
    return tab;
  }

  /** A new id, which sorts by when it was made. */
  id(): string {
    this.made += 1;
    return `mine-${String(this.made).padStart(4, "0")}`;
  }

  /** Everything that this device has said and the log does not hold exactly once. */
  lostOrDoubled(said: readonly string[]): string[] {
    const { log } = this.network;
    return said.filter((text) => log.filter((held) => held === text).length !== 1);
  }
}

/** One tab, which watches itself: whatever happens, its list is never wrong. */
export class Tab {
  readonly links: Link["kind"][] = [];
  /** The list is looked at after every so many changes. */
  checkEvery = 1;
  private changes = 0;
  private isOpen = true;

  constructor(
    readonly device: Device,
    readonly engine: Engine,
  ) {
    engine.onLink(({ kind }) => this.links.push(kind));
    engine.onUpdate(() => {
      this.changes += 1;
      if (this.isOpen && this.changes % this.checkEvery === 0) this.checkAtAnyTime();
    });
  }

  /** Says something. Once this is done, it is safe. */
  async say(text: string): Promise<void> {
    const operation = { type: "send", id: this.device.id(), room: "tea", body: { text } } as const;
    expect(await this.engine.perform(operation)).toBe(true);
  }

  /** Closes it, as a reload does: whatever was on its way is left where it is. */
  close(): void {
    this.isOpen = false;
    this.engine.stop();
    this.device.tabs.splice(this.device.tabs.indexOf(this), 1);
  }

  /** Loads what the list has holes for, as the screen does when they come into view. */
  async fill(): Promise<void> {
    for (let page = 0; page < 200; page += 1) {
      const room = this.engine.room("tea");
      const gap = room?.timeline.gaps(room.head.seq).at(-1);
      if (!gap) return;
      void this.engine.load("tea", { kind: "before", seq: gap.before });
      await pass(2 * this.device.network.latency + 25);
    }
    throw new Error("the list never becomes whole");
  }

  /** The messages on the screen. */
  get shown(): { text: string; id: string; seq: number; delivery: string | undefined }[] {
    const room = this.engine.room("tea");
    const rows = rowsOf({
      log: room?.timeline.rows(room.head.seq) ?? [],
      complete: room?.timeline.complete ?? false,
      pending: this.engine.pending().filter(({ operation }) => operation.room === "tea"),
      user: USER,
      online: this.engine.link.kind === "online",
      receipts: { delivered: [], read: [] },
      newAfter: undefined,
      room: "tea",
    });
    return rows.flatMap((row) =>
      row.kind === "message"
        ? {
            text: row.message.body.text,
            id: row.message.id,
            seq: row.message.seq,
            delivery: row.delivery?.kind,
          }
        : [],
    );
  }

  get texts(): string[] {
    return this.shown.map(({ text }) => text);
  }

  /** In order, once each, and nothing in a place where it is not. */
  private checkAtAnyTime(): void {
    const { shown } = this;
    expect(new Set(shown.map(({ id }) => id)).size, "once each").toBe(shown.length);
    const seqs = shown.map(({ seq }) => seq);
    expect(seqs, "in order").toEqual([...seqs].sort((a, b) => a - b));
    const room = this.device.network.server.rooms.get("tea");
    if (this.engine.room("tea")?.position.epoch !== room?.epoch) return;
    for (const { id, seq } of shown) {
      const held = room?.messages.get(id)?.message.seq;
      if (seq < Number.MAX_SAFE_INTEGER) expect(seq, `where ${id} is`).toBe(held);
    }
  }

  /** The list is the log. */
  async checkWhole(): Promise<void> {
    await this.fill();
    expect(this.texts).toEqual(this.device.network.log);
    expect(this.engine.pending().map(({ operation }) => operation.id)).toEqual([]);
  }
}
