import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { ServerFrame } from "../../wire/types";
import { Device, pass } from "./device";
import { type Mangle, Network } from "./network";

const LATENCIES = [5, 60, 700, 3_000];
const MOST_TABS = 3;

/** A person with tabs, others who talk, and a network on which everything goes wrong. */
class World {
  readonly network = new Network();
  private draws = 0;
  readonly device = new Device(this.network, () => {
    this.draws += 1;
    return (this.draws * 0.618) % 1;
  });
  readonly said: string[] = [];
  private frames = 0;

  async do(step: number, choice: number): Promise<void> {
    const { network, device } = this;
    const tab = device.tabs[choice % Math.max(1, device.tabs.length)];
    switch (step) {
      case 0:
        network.others(`other ${choice}`);
        break;
      case 1:
        if (tab) {
          this.said.push(`mine ${this.said.length}`);
          await tab.say(this.said.at(-1) ?? "");
        }
        break;
      case 2:
        network.mangle = this.mangler(choice);
        break;
      case 3:
        if (choice % 3 === 0) network.alive.at(-1)?.goesDead();
        break;
      case 4:
        if (choice % 2 === 0) network.alive.at(-1)?.breaks(choice % 4 === 0 ? 1006 : 4000);
        break;
      case 5:
        network.alive.at(-1)?.goAway((choice % 10) * 100);
        break;
      case 6:
        network.down = choice % 4 === 0;
        if (!network.down && choice % 4 === 1) tab?.engine.probe();
        break;
      case 7:
        if (device.tabs.length < MOST_TABS) await device.open();
        break;
      case 8:
        tab?.close();
        break;
      case 9:
        network.latency = LATENCIES[choice % LATENCIES.length] ?? 5;
        break;
      case 10:
        if (choice % 4 === 0) network.server.loseUnstored("tea");
        break;
      case 11:
        vi.setSystemTime(Date.now() + (choice - 500) * 600_000);
        break;
      case 12:
        network.server.refusals = choice % 3;
        break;
      case 13:
        void tab?.engine.load("tea", { kind: "latest" });
        break;
      case 14:
        await pass(choice * 60);
        break;
      default:
        await pass(choice % 400);
    }
  }

  private mangler(choice: number): Mangle {
    const each = (change: (frame: ServerFrame, turn: number) => ServerFrame[]): Mangle => {
      return (frames) =>
        frames.flatMap((frame) => {
          this.frames += 1;
          return change(frame, this.frames);
        });
    };
    switch (choice % 5) {
      case 0:
        return each((frame, turn) => (turn % 3 === 0 ? [] : [frame]));
      case 1:
        return each((frame) => [frame, frame]);
      case 2:
        return (frames) => [...frames].reverse();
      case 3:
        return each((frame, turn) => (frame.type === "ack" && turn % 2 === 0 ? [] : [frame]));
      default:
        return (frames) => frames;
    }
  }

  /** From here on nothing goes wrong any more. */
  async settle(): Promise<void> {
    const { network, device } = this;
    network.mangle = (frames) => frames;
    network.latency = 5;
    network.down = false;
    network.server.refusals = 0;
    if (device.tabs.length === 0) await device.open();
    // What was dead is found dead after two heartbeats, what was not acked is repeated within 80 s.
    await pass(150_000);
  }

  close(): void {
    for (const tab of [...this.device.tabs]) tab.close();
    this.network.close();
  }
}

test("every tab of a device shows exactly the log, whatever the network and the person do", async () => {
  const what = fc.oneof(
    fc.integer({ min: 0, max: 14 }),
    // What happens most often: people speak, time passes.
    fc.constantFrom(0, 1, 1, 15, 15, 15),
  );
  const schedule = fc.array(fc.tuple(what, fc.nat(1_000)), { minLength: 10, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(schedule, async (steps) => {
      vi.stubGlobal("indexedDB", new IDBFactory());
      vi.useFakeTimers({
        toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
      });
      const world = new World();
      try {
        await world.do(7, 0);
        for (const [step, choice] of steps) await world.do(step, choice);
        await world.settle();
        expect(world.device.lostOrDoubled(world.said)).toEqual([]);
        for (const tab of world.device.tabs) await tab.checkWhole();
      } finally {
        world.close();
        vi.useRealTimers();
      }
    }),
    { numRuns: 120 },
  );
}, 120_000);
