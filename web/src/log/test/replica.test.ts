import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { ClientFrame, History, Message } from "../../wire/types";
import type { Operation } from "../outbox";
import { Replica } from "../replica";
import type { Request } from "../timeline";
import { Link, Server } from "./server";

const ROOMS = ["tea", "cake"];
const PAGE = 5;

/** The client under test, its connections, and everything that can happen to them. */
class World {
  readonly server = new Server(ROOMS);
  readonly loads: { room: string; request: Request; page?: History }[] = [];
  readonly mine: Operation[] = [];
  now = 0;
  private made = 0;
  private readonly replica: Replica;
  private up: ClientFrame[] = [];

  constructor() {
    this.replica = new Replica({
      transmit: (frame) => this.up.push(frame),
      load: (room, request) => this.loads.push({ room, request }),
      tell: () => {},
    });
  }

  private read(room: string, request: Request) {
    const held = this.server.rooms.get(room);
    if (!held) throw new Error(room);
    return held.page(request, PAGE);
  }

  private operation(room: string, what: number): Operation {
    this.made += 1;
    const id = `op-${String(this.made).padStart(5, "0")}`;
    const all = [...(this.server.rooms.get(room)?.messages.keys() ?? [])];
    const message = all[what % Math.max(1, all.length)];
    if (message === undefined || what % 4 === 0) {
      return { type: "send", id, room, body: { text: id } };
    }
    if (what % 4 === 1) return { type: "edit", id, room, message, body: { text: id } };
    if (what % 4 === 2) return { type: "react", id, room, message, emoji: "👍", on: what % 8 < 4 };
    return { type: "delete", id, room, message };
  }

  do(step: number, choice: number): void {
    const room = ROOMS[choice % 2] ?? "tea";
    const link = this.server.links.at(choice % 3 === 0 ? 0 : -1);
    switch (step) {
      case 0:
        this.server.publish(this.operation(room, choice), "other");
        break;
      case 1: {
        const operation = this.operation(room, choice);
        if (this.replica.perform(operation, this.now, 0)) this.mine.push(operation);
        break;
      }
      case 2:
        this.connect();
        break;
      case 3:
        if (choice % 4 === 0) this.cut(link);
        break;
      case 4:
        this.flush();
        break;
      case 5:
        // A deaf socket: what was on its way is lost, and nobody is told.
        if (choice % 2 === 0) link?.down.splice(choice % 3, 1 + (choice % 2));
        break;
      case 6:
        // A frame comes twice.
        if (link?.down[0] && link.down[0].type !== "ready") link.down.unshift(link.down[0]);
        break;
      case 7:
        this.server.store();
        break;
      case 8:
        this.pass((choice % 40) * 100);
        break;
      case 9:
        if (choice % 16 === 0) this.server.loseUnstored(room);
        break;
      case 10:
        this.server.refusals = choice % 3;
        break;
      case 11: {
        const held = this.replica.room(room);
        const gap = held?.timeline.gaps(held.head.seq).at(-1);
        if (gap) this.loads.push({ room, request: { kind: "before", seq: gap.before } });
        break;
      }
      case 12: {
        const load = this.loads[choice % Math.max(1, this.loads.length)];
        // Read now, delivered later: what happens in between is not in the page.
        if (load) load.page ??= this.read(load.room, load.request);
        break;
      }
      case 13:
        this.finishLoad(choice);
        break;
      case 14:
        this.replica.room(room)?.timeline.trim(choice, 8);
        break;
      default:
        this.deliver(link, 1 + (choice % 4));
    }
  }

  private connect(): void {
    const link = new Link(this.server, this.replica.resumePoints());
    this.server.links.push(link);
    while (this.server.links.length > 2) this.cut(this.server.links[0]);
  }

  private cut(link: Link | undefined): void {
    if (!link) return;
    link.open = false;
    this.server.links = this.server.links.filter((other) => other !== link);
    if (this.server.links.length === 0) {
      this.replica.disconnected();
      this.up = [];
    }
  }

  private flush(): void {
    for (const frame of this.up.splice(0)) this.server.links.at(-1)?.take(frame);
  }

  private deliver(link: Link | undefined, count: number): void {
    for (const frame of link?.down.splice(0, count) ?? []) this.replica.receive(frame, this.now);
  }

  private finishLoad(choice: number): void {
    const [load] = this.loads.splice(choice % Math.max(1, this.loads.length), 1);
    if (!load) return;
    this.replica.loaded(load.room, load.request, load.page ?? this.read(load.room, load.request));
  }

  private pass(time: number): void {
    this.now += time;
    this.replica.tick(this.now);
  }

  /** From here on nothing goes wrong any more. */
  settle(): void {
    this.server.refusals = 0;
    for (const link of [...this.server.links]) this.cut(link);
    this.connect();
    for (let round = 0; round < 400; round += 1) {
      this.flush();
      this.deliver(this.server.links.at(-1), 50);
      this.server.store();
      while (this.loads.length > 0) this.finishLoad(0);
      this.pass(1_000);
      for (const room of this.replica.rooms()) {
        const gap = room.timeline.gaps(room.head.seq).at(-1);
        if (gap) this.loads.push({ room: room.id, request: { kind: "before", seq: gap.before } });
      }
      if (this.isQuiet()) return;
    }
    throw new Error("it never settles");
  }

  private isQuiet(): boolean {
    const down = this.server.links.every((link) => link.down.length === 0);
    const quiet = down && this.up.length === 0 && this.loads.length === 0;
    return quiet && this.server.owed.length === 0 && this.replica.pending().length === 0;
  }

  check(): void {
    for (const held of this.server.rooms.values()) {
      const room = this.replica.room(held.id);
      expect(room?.position).toEqual({ epoch: held.epoch, seq: held.seq });
      expect(room?.timeline.gaps(held.seq)).toEqual([]);
      expect(room?.timeline.messages().map(bare)).toEqual(held.list().map(bare));
    }
    // Each of this client's own is in the log once.
    const placed = [...this.server.rooms.values()].flatMap(({ events }) => events);
    for (const { id } of this.mine) {
      expect(placed.filter((event) => event.id === id).length, id).toBe(1);
    }
  }
}

/** What a person sees of a message. */
function bare({ id, seq, body, deleted_at, reactions }: Message) {
  return { id, seq, text: body.text, deleted: deleted_at !== undefined, reactions };
}

vi.setConfig({ testTimeout: 60_000 });

describe("a replica", () => {
  test("shows exactly the log, in order, once each, whatever the network does", () => {
    const what = fc.oneof(
      fc.integer({ min: 0, max: 15 }),
      // What happens most often: others speak, frames arrive, pages are read.
      fc.constantFrom(0, 0, 11, 12, 15, 15, 15),
    );
    const step = fc.tuple(what, fc.nat(1_000));
    const schedule = fc.array(step, { minLength: 20, maxLength: 300 });
    fc.assert(
      fc.property(schedule, (steps) => {
        const world = new World();
        world.do(2, 0);
        for (const [what, choice] of steps) world.do(what, choice);
        world.settle();
        world.check();
      }),
      { numRuns: 3_000 },
    );
  });
});
