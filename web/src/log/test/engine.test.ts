import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientFrame, ServerFrame } from "../../wire/types";
import { type ConnectionEvents, Engine } from "../engine";
import type { Operation } from "../outbox";
import { Memory } from "../storage";
import { Tabs } from "../tabs";
import { Browser } from "./browser";
import { Link, Server } from "./server";

/** A server with one client's sockets, which open and answer when the test says so. */
class Net {
  readonly server = new Server(["tea"]);
  down = false;
  /** Whom the server was told to watch, each time. */
  readonly watched: (readonly string[])[] = [];
  private readonly wires = new Set<{ events: ConnectionEvents; link: Link | undefined }>();

  connect(events: ConnectionEvents) {
    const wire: { events: ConnectionEvents; link: Link | undefined } = { events, link: undefined };
    return {
      start: () => {
        this.wires.add(wire);
        if (!this.down) this.open(wire);
      },
      stop: () => {
        if (wire.link) wire.link.open = false;
        this.server.links = this.server.links.filter((link) => link !== wire.link);
        this.wires.delete(wire);
      },
      probe: () => {},
      send: (frame: ClientFrame) => {
        if (wire.link && frame.type === "watch") this.watched.push([...frame.users].sort());
        wire.link?.take(structuredClone(frame));
        return wire.link !== undefined;
      },
    };
  }

  private open(wire: { events: ConnectionEvents; link: Link | undefined }): void {
    wire.link = new Link(this.server, wire.events.resume());
    this.server.links.push(wire.link);
    wire.events.changed({ kind: "online", node: "n" });
  }

  /** Lets everything that is on its way arrive. */
  async run(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      for (const { events, link } of this.wires) {
        for (const frame of link?.down.splice(0) ?? []) events.receive(frame as ServerFrame);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  get texts(): string[] {
    return [...(this.server.rooms.get("tea")?.list() ?? [])].map(({ body }) => body.text);
  }
}

let browser: Browser;
let net: Net;

async function tab(): Promise<Engine> {
  const memory = await Memory.open("me");
  return Engine.start(
    {
      connect: (events) => net.connect(events),
      history: (room, request) => {
        const held = net.server.rooms.get(room);
        return held ? Promise.resolve(held.page(request, 50)) : Promise.reject(new Error(room));
      },
      now: () => performance.now(),
      tabs: (events) => new Tabs("hubbub.me", events, browser),
      memory,
    },
    "me",
  );
}

let count = 0;

function say(text: string): Operation {
  count += 1;
  return { type: "send", id: `id-${count}`, room: "tea", body: { text } };
}

const shown = (engine: Engine) =>
  engine
    .room("tea")
    ?.timeline.messages()
    .map(({ body }) => body.text);

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  browser = new Browser();
  net = new Net();
});

describe("one user's tabs", () => {
  test("share one socket, and each shows what is said in any of them", async () => {
    const [first, second] = [await tab(), await tab()];
    await net.run();
    expect(net.server.links.length).toBe(1);
    await first.perform(say("one"));
    await second.perform(say("two"));
    await net.run();
    net.server.publish(say("three"), "other");
    await net.run();
    expect(shown(first)).toEqual(["one", "two", "three"]);
    expect(shown(second)).toEqual(["one", "two", "three"]);
    expect(net.texts).toEqual(["one", "two", "three"]);
  });

  test("show the same things as pending until they are stored", async () => {
    const [first, second] = [await tab(), await tab()];
    await net.run();
    await second.perform(say("one"));
    await net.run();
    expect(first.pending().length).toBe(1);
    expect(second.pending().length).toBe(1);
    net.server.store();
    await net.run();
    expect(first.pending()).toEqual([]);
    expect(second.pending()).toEqual([]);
  });

  test("go on without a gap when the one with the socket is closed in mid-send", async () => {
    const [first, second] = [await tab(), await tab()];
    await net.run();
    await second.perform(say("one"));
    first.stop();
    await second.perform(say("two"));
    await net.run();
    net.server.store();
    await net.run();
    expect(net.texts).toEqual(["one", "two"]);
    expect(shown(second)).toEqual(["one", "two"]);
    expect(second.pending()).toEqual([]);
  });
});

describe("whom tabs watch", () => {
  const watched = (users: string[]) => vi.waitFor(() => expect(net.watched.at(-1)).toEqual(users));

  test("the server watches for all of them, until they are closed", async () => {
    const [first, second] = [await tab(), await tab()];
    first.watch(["ada", "ben"]);
    second.watch(["ben", "cleo"]);
    await net.run();
    expect(net.watched.at(-1)).toEqual(["ada", "ben", "cleo"]);
    second.watch(["dan"]);
    await net.run();
    expect(net.watched.at(-1)).toEqual(["ada", "ben", "dan"]);
    const third = await tab();
    third.watch(["eve"]);
    await net.run();
    second.stop();
    await watched(["ada", "ben", "eve"]);
    first.stop();
    await net.run();
    await watched(["eve"]);
  });

  test("is told again when the server could not do it", async () => {
    const first = await tab();
    await net.run();
    first.watch(["ada"]);
    await net.run();
    const before = net.watched.length;
    const error = { type: "error", code: "unavailable", message: "later", retry_after_ms: 5 } as const;
    net.server.links.at(-1)?.say(error);
    await net.run();
    await vi.waitFor(() => expect(net.watched.slice(before)).toEqual([["ada"]]), 2_000);
  });

  test("is bounded by what the server watches, whose tab was used last first", async () => {
    const [first, second] = [await tab(), await tab()];
    await net.run();
    first.watch(Array.from({ length: 8 }, (_, index) => `first ${index}`));
    second.watch(["second 0", "second 1", "second 2", "second 3"]);
    await net.run();
    expect(net.watched.at(-1)?.filter((user) => user.startsWith("first"))).toHaveLength(6);
    expect(net.watched.at(-1)).toHaveLength(10);
  });
});

describe("a tab that was left", () => {
  test("says nothing more, though something of it was still on its way", async () => {
    const [first, second] = [await tab(), await tab()];
    await net.run();
    const saying = first.perform(say("just before"));
    first.stop();
    await saying;
    await net.run();
    net.server.store();
    await net.run();
    expect(net.texts, "the other tab has taken it over").toEqual(["just before"]);
    expect(second.pending()).toEqual([]);
  });
});

describe("what is refused for good", () => {
  const states = (engine: Engine) => engine.pending().map(({ state }) => state.kind);
  const lost = (engine: Engine) => {
    const texts: string[] = [];
    engine.onUpdate((update) => {
      if (update.kind !== "lost") return;
      for (const { operation } of update.pending)
        if (operation.type === "send") texts.push(bodyOf(operation));
    });
    return texts;
  };
  const bodyOf = ({ body }: Extract<Operation, { type: "send" }>) => body.text ?? "";

  test("stays as it is over a reload, and goes out when the person says so", async () => {
    const before = await tab();
    await net.run();
    net.server.refusal = "muted";
    await before.perform(say("let me speak"));
    await net.run();
    expect(states(before)).toEqual(["failed"]);
    before.stop();
    net.server.refusal = undefined;
    const after = await tab();
    await net.run();
    expect(states(after)).toEqual(["failed"]);
    expect(net.texts).toEqual([]);
    const [failed] = after.pending();
    after.retry(failed?.operation.id ?? "");
    after.stop();
    const later = await tab();
    await net.run();
    expect(net.texts).toEqual(["let me speak"]);
    later.stop();
  });

  test("because its room is gone is told once, and forgotten", async () => {
    const first = await tab();
    const told = lost(first);
    await net.run();
    net.server.rooms.delete("tea");
    await first.perform(say("is anybody"));
    await first.perform(say("there"));
    net.server.destroy("tea");
    await net.run();
    expect(told).toEqual(["is anybody", "there"]);
    expect(first.pending()).toEqual([]);
    expect(await (await Memory.open("me")).operations()).toEqual([]);
  });

  test("is told when its room goes, and when it is found gone after a reload", async () => {
    const first = await tab();
    const told = lost(first);
    await net.run();
    net.server.refusal = "muted";
    await first.perform(say("before"));
    await net.run();
    net.server.destroy("tea");
    await net.run();
    expect(told).toEqual(["before"]);
    first.stop();

    await (await Memory.open("me")).keep(say("meanwhile"), 0);
    const second = await tab();
    const toldLater = lost(second);
    await net.run();
    expect(toldLater).toEqual(["meanwhile"]);
    expect(await (await Memory.open("me")).operations()).toEqual([]);
  });
});

describe("a reload", () => {
  test("in mid-send loses nothing and doubles nothing", async () => {
    const before = await tab();
    await net.run();
    await before.perform(say("sent, never acked"));
    before.stop();
    const after = await tab();
    expect(after.pending().length).toBe(1);
    await net.run();
    net.server.store();
    await net.run();
    expect(net.texts).toEqual(["sent, never acked"]);
    expect(after.pending()).toEqual([]);
    await after.load("tea", { kind: "latest" });
    expect(shown(after)).toEqual(["sent, never acked"]);
  });

  test("while offline shows what the device remembers, and sends when there is a connection", async () => {
    const before = await tab();
    await net.run();
    net.server.publish(say("hello"), "other");
    await net.run();
    await vi.waitFor(async () => {
      const rooms = await (await Memory.open("me")).rooms();
      expect(rooms[0]?.messages.length).toBe(1);
    }, 5_000);
    before.stop();
    net.down = true;
    const after = await tab();
    expect(shown(after)).toEqual(["hello"]);
    await after.perform(say("later"));
    after.stop();
    net.down = false;
    const online = await tab();
    await net.run();
    expect(net.texts).toEqual(["hello", "later"]);
    expect(shown(online)).toEqual(["hello", "later"]);
  });
});
