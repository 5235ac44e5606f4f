import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HELD, Hold, QUIET } from "./hold";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("who is at this browser is told at once", () => {
  const act = vi.fn();
  new Hold(() => Date.now() - QUIET + 1).pass(act);
  expect(act).toHaveBeenCalledOnce();
});

test("who has not touched it for a while may be reading elsewhere, and is told in a moment", () => {
  const act = vi.fn();
  new Hold(() => Date.now() - QUIET).pass(act);
  vi.advanceTimersByTime(HELD - 1);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledOnce();
});

test("the moment is no longer than it takes to be told of what was read elsewhere, and a little more", () => {
  expect(HELD).toBeGreaterThan(2_000);
  expect(HELD).toBeLessThan(3_000);
});

test("with the session what waits is over", () => {
  const act = vi.fn();
  const hold = new Hold(() => 0);
  hold.pass(act);
  hold.pass(act);
  hold.end();
  vi.advanceTimersByTime(HELD);
  expect(act).not.toHaveBeenCalled();
});
