import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { onWake } from "../wake";

class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";
}

let page: Page;
let view: EventTarget;
let calls: number;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  page = new Page();
  view = new EventTarget();
  calls = 0;
  stop = onWake(() => (calls += 1), { window: view, document: page });
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

test("the network that comes back is a reason to look", () => {
  view.dispatchEvent(new Event("online"));
  expect(calls).toBe(1);
});

test("so is a page that is looked at again, but not one that is left", () => {
  page.visibilityState = "hidden";
  page.dispatchEvent(new Event("visibilitychange"));
  expect(calls).toBe(0);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  expect(calls).toBe(1);
});

test("so is a device that has slept with the page open, though nothing else tells of it", () => {
  vi.advanceTimersByTime(60_000);
  expect(calls).toBe(0);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(5_000);
  expect(calls).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(calls, "once is enough").toBe(1);
});

test("nothing is heard once it is stopped", () => {
  stop();
  view.dispatchEvent(new Event("online"));
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(60_000);
  expect(calls).toBe(0);
});
