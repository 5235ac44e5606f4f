import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ConnectionLost, Refused } from "../exchange";
import { ApiError } from "../http";
import { type Obstacle, Perseverance } from "../persevere";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const refused = (status: number, problem?: object) =>
  new Refused({ status, text: problem ? JSON.stringify(problem) : "", header: () => null });

/** Fails with these errors in turn, then succeeds; notes what is waited for and when it was tried. */
function trying(errors: unknown[], random = () => 1) {
  const stop = new AbortController();
  const perseverance = new Perseverance(random);
  const began = Date.now();
  const waits: Obstacle[] = [];
  const tries: number[] = [];
  const done = perseverance.run({
    attempt: async () => {
      tries.push(Date.now() - began);
      const error = errors.shift();
      if (error) throw error;
      return "done";
    },
    onWait: (obstacle) => waits.push(obstacle),
    signal: stop.signal,
  });
  // A rejection is looked at by the test, maybe later.
  done.catch(() => undefined);
  return { done, waits, tries, stop, perseverance };
}

describe("perseverance", () => {
  test("backs off while the network is away, and never gives up", async () => {
    const { done, waits, tries } = trying(Array.from({ length: 40 }, () => new ConnectionLost()));
    await vi.advanceTimersByTimeAsync(40 * 30_000);
    await expect(done).resolves.toBe("done");
    expect(new Set(waits)).toEqual(new Set(["network"]));
    expect(tries.slice(0, 4)).toEqual([0, 500, 1_500, 3_500]);
  });

  test("counts new tokens that can't be asked for as a network that is away", async () => {
    const { done, waits } = trying([new ApiError(undefined, "away")]);
    await vi.advanceTimersByTimeAsync(1_000);
    await done;
    expect(waits).toEqual(["network"]);
  });

  test("tries at once when the network may be back", async () => {
    const { tries, perseverance, done } = trying([new ConnectionLost()]);
    await vi.advanceTimersByTimeAsync(100);
    perseverance.wake();
    await done;
    expect(tries).toEqual([0, 100]);
  });

  test("gives up on a server that is in trouble for long", async () => {
    const { done, waits, tries } = trying(Array.from({ length: 40 }, () => refused(503)));
    await vi.advanceTimersByTimeAsync(40 * 30_000);
    await expect(done).rejects.toThrow(Refused);
    expect(new Set(waits)).toEqual(new Set(["server"]));
    expect(tries).toHaveLength(10);
  });

  test("waits at least as long as the server says", async () => {
    const slow = refused(429, { code: "rate_limited", retry_after_ms: 5_000 });
    const { tries, done } = trying([slow], () => 0);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(tries).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    await done;
  });

  test("does not repeat what is refused for good", async () => {
    const { done, tries } = trying([refused(403, { code: "quota_exceeded" })]);
    await expect(done).rejects.toThrow(Refused);
    expect(tries).toHaveLength(1);
  });

  test("ends when nobody wants it any more", async () => {
    const { done, stop } = trying([new ConnectionLost()]);
    await vi.advanceTimersByTimeAsync(100);
    stop.abort();
    await expect(done).rejects.toThrow();
    expect(vi.getTimerCount()).toBe(0);
  });
});
