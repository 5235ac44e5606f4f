import { describe, expect, test } from "vitest";
import { Backoff } from "../backoff";

describe("the back-off", () => {
  test("is anything between nothing and a bound that doubles up to 30 seconds", () => {
    const longest = new Backoff(() => 1);
    const bounds = Array.from({ length: 9 }, () => longest.wait());
    expect(bounds).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    const shortest = new Backoff(() => 0);
    expect(Array.from({ length: 9 }, () => shortest.wait())).toEqual(Array(9).fill(0));
  });

  test("starts anew after a success", () => {
    const backoff = new Backoff(() => 1);
    backoff.wait();
    backoff.wait();
    backoff.reset();
    expect(backoff.wait()).toBe(500);
  });

  test("spreads clients that have lost their node together", () => {
    const clients = Array.from({ length: 1_000 }, () => new Backoff());
    for (const client of clients) for (let attempt = 0; attempt < 5; attempt += 1) client.wait();
    const buckets = Array<number>(10).fill(0);
    for (const client of clients) {
      const bucket = Math.min(9, Math.floor(client.wait() / 1_600));
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    // 100 on average; that any of ten strays by 60 is less likely than one in ten million.
    for (const count of buckets) expect(Math.abs(count - 100)).toBeLessThan(60);
  });
});
