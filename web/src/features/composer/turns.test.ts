import { expect, test } from "vitest";
import { Turns } from "./turns";

const never = new AbortController().signal;

/** Something that ends when it is told to. */
function work(turns: Turns, signal = never) {
  const state = { begun: false, end: () => {}, done: Promise.resolve() };
  state.done = turns.take(signal, () => {
    state.begun = true;
    return new Promise<void>((resolve) => {
      state.end = resolve;
    });
  });
  state.done.catch(() => undefined);
  return state;
}

test("so many go at a time, the others in their order", async () => {
  const turns = new Turns(2);
  const all = [work(turns), work(turns), work(turns), work(turns)];
  const begun = () => all.map((one) => one.begun);
  expect(begun()).toEqual([true, true, false, false]);
  all[1]?.end();
  await all[1]?.done;
  await Promise.resolve();
  expect(begun()).toEqual([true, true, true, false]);
});

test("whoever leaves the line takes no turn", async () => {
  const turns = new Turns(1);
  const stop = new AbortController();
  const [first, second, third] = [work(turns), work(turns, stop.signal), work(turns)];
  stop.abort();
  await expect(second.done).rejects.toThrow();
  first.end();
  await first.done;
  await Promise.resolve();
  expect([second.begun, third.begun]).toEqual([false, true]);
});

test("a turn that fails is over as well", async () => {
  const turns = new Turns(1);
  await expect(turns.take(never, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await turns.take(never, () => Promise.resolve("yes"))).toBe("yes");
});
