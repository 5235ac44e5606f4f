import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Memory } from "../../log/storage";
import { Keeping } from "./keeping";

/** Locks of one browser, as far as they are used here. */
class Locks {
  private readonly lines = new Map<string, (() => Promise<void>)[]>();

  readonly request = (async (name: string, options: LockOptions, act: (lock: Lock | null) => unknown) => {
    const line = this.lines.get(name) ?? [];
    this.lines.set(name, line);
    if (options.ifAvailable && line.length > 0) return act(null);
    return new Promise<unknown>((resolve, reject) => {
      const turn = async () => {
        await Promise.resolve(act({ name, mode: "exclusive" })).then(resolve, reject);
        line.shift();
        void line[0]?.();
      };
      line.push(turn);
      if (line.length === 1) void turn();
      options.signal?.addEventListener("abort", () => {
        if (line.indexOf(turn) > 0) line.splice(line.indexOf(turn), 1);
        reject(options.signal?.reason);
      });
    });
  }) as LockManager["request"];
}

let locks: Locks;
let memory: Memory;

beforeEach(async () => {
  locks = new Locks();
  memory = await Memory.open("me");
});

afterEach(async () => {
  memory.close();
  await Memory.erase("me");
});

/** A tab, and the files that it has taken up. */
function open(name: string) {
  const taken: string[] = [];
  const keeping = new Keeping(memory, name, locks);
  const recall = () => keeping.recall(({ key }) => taken.push(key));
  return { keeping, taken, recall };
}

const kept = (key: string) => ({ key, room: "r", order: 1, since: Date.now() });
const file = new File(["abc"], "a.txt");

test("after a reload a tab has its files again", async () => {
  const before = open("one");
  await before.keeping.keep(kept("a"), file);
  before.keeping.end();
  const after = open("one");
  await after.recall();
  expect(after.taken).toEqual(["a"]);
});

test("what one tab carries no other takes up, and whoever reloads comes first", async () => {
  const first = open("one");
  await first.keeping.keep(kept("a"), file);
  const second = open("two");
  await second.recall();
  first.keeping.end();
  const again = open("one");
  await again.recall();
  expect(second.taken).toEqual([]);
  expect(again.taken).toEqual(["a"]);
});

test("what a tab leaves behind for good another one takes up", async () => {
  const first = open("one");
  await first.keeping.keep(kept("a"), file);
  const second = open("two");
  await second.recall();
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  first.keeping.end();
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
  vi.runAllTimers();
  vi.useRealTimers();
  await vi.waitFor(() => expect(second.taken).toEqual(["a"]));
});

test("what a tab has sent or taken back nobody takes up", async () => {
  const first = open("one");
  await first.keeping.keep(kept("a"), file);
  const second = open("two");
  await second.recall();
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  await first.keeping.forget("a");
  await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1));
  vi.runAllTimers();
  vi.useRealTimers();
  const third = open("three");
  await third.recall();
  expect([second.taken, third.taken]).toEqual([[], []]);
});
