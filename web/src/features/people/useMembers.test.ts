import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Conversation } from "../../app/conversation";
import type { Update } from "../../log/replica";
import { followMembers } from "./useMembers";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("changes of members that come together make their rooms be read once", () => {
  let tell: (update: Update) => void = () => undefined;
  const engine = {
    onUpdate: (callback: typeof tell) => {
      tell = callback;
      return () => undefined;
    },
  };
  const queries = new QueryClient();
  const read: unknown[] = [];
  vi.spyOn(queries, "invalidateQueries").mockImplementation((filters) => {
    read.push(filters?.queryKey?.[1]);
    return Promise.resolve();
  });
  const stop = followMembers({ engine } as unknown as Conversation, queries);
  const changes = (room: string) => tell({ kind: "member", member: { room } } as Update);
  for (let count = 0; count < 50; count += 1) changes("tea");
  changes("coffee");
  expect(read).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(read).toEqual(["tea", "coffee"]);
  changes("tea");
  vi.advanceTimersByTime(1_000);
  expect(read).toEqual(["tea", "coffee", "tea"]);
  changes("tea");
  stop();
  vi.advanceTimersByTime(1_000);
  expect(read.length, "it is over").toBe(3);
});
