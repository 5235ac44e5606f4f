import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApiError } from "../../wire/http";
import type { Problem } from "../../wire/types";
import { REMEMBERED } from "../storage";
import { SLACK, WINDOW } from "../timeline";
import { Device, pass, type Tab } from "./device";
import { HEARTBEAT, Network } from "./network";

// Minutes of virtual time take seconds of a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let network: Network;
let device: Device;

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  // The event loop stays real: the device's memory works in its steps.
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
  });
  network = new Network();
  device = new Device(network);
});

afterEach(() => {
  for (const tab of [...device.tabs]) tab.close();
  network.close();
  vi.useRealTimers();
});

/** A tab that is online. */
async function online(): Promise<Tab> {
  const tab = await device.open();
  await pass(6 * network.latency + 100);
  expect(tab.engine.link.kind).toBe("online");
  return tab;
}

describe("over a bad network", () => {
  test("a lost event is noticed by the next one, and comes", async () => {
    const tab = await online();
    network.mangle = () => [];
    network.others("lost");
    await pass(100);
    network.mangle = (frames) => frames;
    network.others("heard");
    await pass(200);
    await tab.checkWhole();
  });

  test("the last event, lost on a healthy socket, is noticed by the heads that come with the heartbeat", async () => {
    const tab = await online();
    const socket = network.last;
    network.mangle = (frames) => frames.filter(({ type }) => type !== "message");
    network.others("lost");
    await pass(100);
    network.mangle = (frames) => frames;
    expect(tab.texts).toEqual([]);
    await pass(HEARTBEAT + 3_000);
    await tab.checkWhole();
    expect(network.last, "it was one socket all the time").toBe(socket);
  });

  test("what arrives in another order or twice is shown in order, once", async () => {
    const tab = await online();
    network.mangle = (frames) => [...frames].reverse().flatMap((frame) => [frame, frame]);
    for (let round = 0; round < 20; round += 1) {
      network.others(`a${round}`);
      network.others(`b${round}`);
      network.others(`c${round}`);
      await tab.say(`mine ${round}`);
      await pass(70);
    }
    network.mangle = (frames) => frames;
    await pass(1_000);
    await tab.checkWhole();
  });

  test("three seconds each way delay everything and break nothing", async () => {
    network.latency = 3_000;
    const tab = await online();
    await tab.say("one");
    await tab.say("two");
    expect(tab.shown.map(({ text, delivery }) => [text, delivery])).toEqual([
      ["one", "sending"],
      ["two", "sending"],
    ]);
    for (let round = 0; round < 10; round += 1) {
      network.others(`other ${round}`);
      await pass(1_000);
    }
    await pass(30_000);
    await tab.checkWhole();
    expect(device.lostOrDoubled(["one", "two"])).toEqual([]);
    expect(network.sockets.length, "a slow network is not a broken one").toBe(1);
  });

  test("a half-open socket is left after two heartbeats, and what it swallowed is sent again", async () => {
    const tab = await online();
    network.last.goesDead();
    await tab.say("into nothing");
    network.others("unheard");
    await pass(2 * HEARTBEAT + 2_000);
    expect(network.sockets.length).toBe(2);
    await tab.checkWhole();
    expect(device.lostOrDoubled(["into nothing"])).toEqual([]);
  });

  test("an ack that is lost is asked for again, and the message is there once", async () => {
    const tab = await online();
    network.mangle = (frames) => frames.filter(({ type }) => type !== "ack");
    await tab.say("stored, and nobody told me");
    await pass(200);
    expect(tab.shown.at(0)?.delivery).toBe("sending");
    network.mangle = (frames) => frames;
    await pass(11_000);
    expect(tab.shown.at(0)?.delivery).toBe("sent");
    await tab.checkWhole();
  });

  test("a message that is refused for a while keeps its place before the next", async () => {
    const tab = await online();
    network.server.refusals = 3;
    for (const text of ["one", "two", "three"]) await tab.say(text);
    await pass(3_000);
    expect(network.log).toEqual(["one", "two", "three"]);
    await tab.checkWhole();
  });
});

describe("a page of history that is refused on a healthy socket", () => {
  /** A tab on whose screen everything is that is not loaded. */
  async function looking(): Promise<Tab> {
    for (let count = 0; count < 5; count += 1) network.others(`before ${count}`);
    const tab = await online();
    const look = () => {
      const room = tab.engine.room("tea");
      const gap = room?.timeline.gaps(room.head.seq).at(-1);
      if (gap) void tab.engine.load("tea", { kind: "before", seq: gap.before });
    };
    tab.engine.onUpdate(look);
    look();
    return tab;
  }

  test("is asked for again, ever less often, until it comes", async () => {
    network.refusal = new Error("no");
    const tab = await looking();
    await pass(10_000);
    const atFirst = network.pages;
    await pass(60_000);
    expect(atFirst).toBeGreaterThan(3);
    expect(network.pages - atFirst, "in a minute").toBeLessThan(8);
    network.others("meanwhile");
    await pass(100);
    expect(network.pages - atFirst, "what happens meanwhile does not hurry it").toBeLessThan(9);
    network.refusal = undefined;
    await pass(31_000);
    expect(tab.texts).toEqual(network.log);
  });

  test("is asked for again when the server says so", async () => {
    const problem = { code: "rate_limited", retry_after_ms: 40_000 } as Problem;
    network.refusal = new ApiError(problem, "slower");
    const tab = await looking();
    await pass(1_000);
    network.refusal = undefined;
    await pass(35_000);
    expect(tab.texts).toEqual([]);
    await pass(10_000);
    expect(tab.texts).toEqual(network.log);
  });
});

describe("a node that leaves", () => {
  test("is left before it is gone: the new socket opens first, nobody sees anything", async () => {
    const tab = await online();
    const old = network.last;
    const said: string[] = [];
    const talk = async (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        const text = `mine ${said.length}`;
        said.push(text);
        await tab.say(text);
        network.others(`other ${said.length}`);
        await pass(50);
      }
    };
    await talk(5);
    old.goAway(300);
    const before = tab.links.length;
    await talk(4);
    expect(network.alive).toEqual([old]);
    await talk(8);
    expect(network.alive, "the old one is closed, by the client").toEqual([network.last]);
    old.breaks();
    await talk(5);
    await pass(500);
    expect(tab.links.slice(before), "never without a connection").toEqual(["online"]);
    expect(device.lostOrDoubled(said)).toEqual([]);
    await tab.checkWhole();
  });

  test("and dies before the new socket is there costs a moment, and nothing else", async () => {
    const tab = await online();
    const old = network.last;
    await tab.say("one");
    old.goAway(5_000);
    await pass(100);
    old.breaks();
    await tab.say("two");
    await pass(2_000);
    await tab.checkWhole();
    expect(device.lostOrDoubled(["one", "two"])).toEqual([]);
  });

  test("that is killed in mid-send has either taken the message or not, and it is there once", async () => {
    for (const moment of [0, 10, 20, 30, 45, 60, 80]) {
      const tab = await online();
      await tab.say(`at ${moment}`);
      await pass(moment);
      network.last.breaks();
      await pass(3_000);
      expect(device.lostOrDoubled([`at ${moment}`])).toEqual([]);
      await tab.checkWhole();
      tab.close();
    }
  });
});

describe("a device", () => {
  test("with a wrong clock shows everything in the room's order", async () => {
    const tab = await online();
    for (const hours of [26, -50, 0, 9_000]) {
      vi.setSystemTime(Date.UTC(2026, 5, 1) + hours * 3_600_000);
      await tab.say(`mine at ${hours}`);
      network.others(`other at ${hours}`);
      await pass(300);
    }
    await tab.checkWhole();
    expect(tab.links.filter((kind) => kind !== "online").length, "it is no reason to reconnect").toBe(1);
  });

  test("that sleeps finds out within seconds of waking up, and reads what was said", async () => {
    const tab = await online();
    await tab.say("good night");
    await pass(200);
    // No timer runs, and the server has long given up the socket.
    network.last.goesDead();
    network.server.links = [];
    for (let count = 0; count < 40; count += 1) network.others(`night ${count}`);
    vi.setSystemTime(Date.now() + 8 * 3_600_000);
    tab.engine.probe();
    await tab.say("good morning");
    await pass(4_000);
    expect(tab.engine.link.kind).toBe("online");
    await tab.checkWhole();
    expect(device.lostOrDoubled(["good night", "good morning"])).toEqual([]);
  });

  test("without a network keeps what is said, in order, and sends it when the network is back", async () => {
    const tab = await online();
    network.down = true;
    network.last.breaks();
    await pass(60_000);
    for (let count = 0; count < 10; count += 1) await tab.say(`offline ${count}`);
    expect(tab.shown.map(({ delivery }) => delivery)).toEqual(Array(10).fill("queued"));
    network.others("meanwhile");
    network.down = false;
    tab.engine.probe();
    await pass(3_000);
    await tab.checkWhole();
    expect(network.log.filter((text) => text.startsWith("offline"))).toEqual(
      Array.from({ length: 10 }, (_, count) => `offline ${count}`),
    );
  });

  test("reads the rooms it knows while there is no network at all", async () => {
    const first = await online();
    first.checkEvery = 20;
    for (let count = 0; count < REMEMBERED + 50; count += 1) network.others(`old ${count}`);
    await pass(3_000);
    await first.checkWhole();
    await pass(3_000);
    first.close();
    network.down = true;
    const again = await device.open();
    await pass(1_000);
    expect(again.texts).toEqual(network.log.slice(-REMEMBERED));
    expect(again.engine.link.kind).toBe("connecting");
    network.others("while it was offline");
    network.down = false;
    again.engine.probe();
    await pass(3_000);
    await again.checkWhole();
  });
});

describe("a long room", () => {
  test("takes no more memory than its window, wherever in it somebody looks", async () => {
    const tab = await online();
    tab.checkEvery = 500;
    const talk = async (from: number, to: number) => {
      for (let count = from; count < to; count += 1) {
        network.others(`said ${count}`);
        if (count % 100 === 99) await pass(25);
      }
      await pass(200);
    };
    await talk(0, 4_000);
    const room = tab.engine.room("tea");
    if (!room) throw new Error("the room is not heard");
    expect(room.timeline.size).toBeLessThanOrEqual(WINDOW + SLACK);
    expect(tab.texts.at(-1), "at the end by default").toBe("said 3999");
    room.lookedAt = 2_000;
    void tab.engine.load("tea", { kind: "around", seq: 2_000 });
    await pass(200);
    await talk(4_000, 6_500);
    expect(room.timeline.size).toBeLessThanOrEqual(WINDOW + SLACK);
    expect(room.timeline.bySeq(2_000)?.body.text, "what is looked at stays").toBe("said 1999");
    expect(room.timeline.gaps(room.head.seq).at(-1)?.before, "and the rest is a gap").toBeGreaterThan(2_000);
  });
});

describe("a reload", () => {
  test("at any moment of sending loses nothing and doubles nothing", async () => {
    const said: string[] = [];
    for (let moment = 0; moment <= 150; moment += 10) {
      const tab = await online();
      for (const part of ["first", "second"]) {
        said.push(`${part} at ${moment}`);
        await tab.say(`${part} at ${moment}`);
      }
      await pass(moment);
      tab.close();
      await pass(100);
    }
    const tab = await online();
    await pass(2_000);
    expect(device.lostOrDoubled(said)).toEqual([]);
    expect(network.log, "in the order they were said").toEqual(said);
    await tab.checkWhole();
  });
});

describe("two tabs", () => {
  test("show the same, while the one with the socket is closed again and again", async () => {
    const said: string[] = [];
    let [leader, follower] = [await online(), await device.open()];
    await pass(200);
    for (let round = 0; round < 6; round += 1) {
      expect(network.alive.length, "one socket for all tabs").toBe(1);
      for (const [tab, name] of [
        [leader, "leader"],
        [follower, "follower"],
      ] as const) {
        said.push(`${name} ${round}`);
        await tab.say(`${name} ${round}`);
      }
      network.others(`other ${round}`);
      // Each time a little later on the way.
      await pass(round * 12);
      leader.close();
      leader = follower;
      follower = await device.open();
      await pass(300);
      expect(network.alive.length).toBe(1);
    }
    await pass(2_000);
    expect(device.lostOrDoubled(said)).toEqual([]);
    await leader.checkWhole();
    await follower.checkWhole();
  });

  test("stay as they are when a third one is closed", async () => {
    const [leader, follower, third] = [await online(), await device.open(), await device.open()];
    await pass(200);
    third.close();
    network.others("heard by both");
    await pass(200);
    expect([leader, follower].map(({ engine }) => engine.link.kind)).toEqual(["online", "online"]);
    await leader.checkWhole();
    await follower.checkWhole();
  });

  test("that both miss what no answer brings do not ask in a storm", async () => {
    const tabs = [await online(), await device.open()];
    await pass(200);
    // Whatever is asked: the first of two events never comes.
    network.mangle = (frames) => frames.filter((frame) => !("body" in frame) || frame.body?.text !== "lost");
    network.others("lost");
    network.others("heard");
    await pass(10_000);
    const asked = network.last.sent.filter(({ type }) => type === "subscribe");
    expect(asked.length, "once a second each").toBeLessThanOrEqual(2 * 10 + 2);
    network.mangle = (frames) => frames;
    await pass(3_000);
    for (const tab of tabs) await tab.checkWhole();
  });

  test("that are opened at once elect one", async () => {
    const tabs = await Promise.all([device.open(), device.open(), device.open()]);
    await pass(1_000);
    expect(network.sockets.length).toBe(1);
    for (const [number, tab] of tabs.entries()) await tab.say(`from ${number}`);
    await pass(1_000);
    for (const tab of tabs) await tab.checkWhole();
    expect(network.log.length).toBe(3);
  });

  test("leave what was said while none of them had the socket to the next that has it", async () => {
    const leader = await online();
    const next = await device.open();
    const third = await device.open();
    await pass(200);
    leader.close();
    await third.say("to nobody");
    third.close();
    await pass(1_000);
    expect(device.lostOrDoubled(["to nobody"])).toEqual([]);
    await next.checkWhole();
  });

  test("both see at once that the network is gone, and that it is back", async () => {
    const tabs = [await online(), await device.open()];
    await pass(200);
    network.down = true;
    network.last.breaks();
    await pass(500);
    expect(tabs.map(({ engine }) => engine.link.kind)).toEqual(["connecting", "connecting"]);
    network.down = false;
    // The tab that is looked at need not be the one with the socket.
    tabs[1]?.engine.probe();
    await pass(500);
    expect(tabs.map(({ engine }) => engine.link.kind)).toEqual(["online", "online"]);
  });
});

describe("when the server has lost the newest events", () => {
  test("a reset starts the room anew, and what was not stored is said again", async () => {
    const tab = await online();
    network.others("stored");
    await pass(200);
    await tab.checkWhole();
    network.mangle = (frames) => frames.filter(({ type }) => type !== "ack");
    await tab.say("placed, not acked");
    await pass(45);
    network.server.owed.length = 0;
    network.server.lose("tea", 1);
    network.mangle = (frames) => frames;
    await pass(3_000);
    expect(network.log).toEqual(["stored", "placed, not acked"]);
    expect(tab.engine.room("tea")?.position.epoch).toBe(2);
    await tab.checkWhole();
  });

  test("a client that was away through several epochs comes to the newest", async () => {
    const tab = await online();
    for (let count = 0; count < 5; count += 1) network.others(`first ${count}`);
    await pass(300);
    network.down = true;
    network.last.breaks();
    await pass(100);
    await tab.say("through it all");
    for (let epoch = 0; epoch < 3; epoch += 1) {
      network.server.lose("tea", 1);
      network.others(`in epoch ${epoch}`);
    }
    network.down = false;
    tab.engine.probe();
    await pass(3_000);
    await tab.checkWhole();
    expect(device.lostOrDoubled(["through it all"])).toEqual([]);
  });

  test("a client that was away for long gets one sync, and older messages stay where they are", async () => {
    const tab = await online();
    for (let count = 0; count < 30; count += 1) network.others(`before ${count}`);
    await pass(300);
    network.down = true;
    network.last.breaks();
    await pass(100);
    for (let count = 0; count < 60; count += 1) network.others(`meanwhile ${count}`);
    network.down = false;
    tab.engine.probe();
    await pass(1_000);
    expect(tab.texts, "without a single page of history").toEqual(network.log);
    await tab.checkWhole();
  });
});
