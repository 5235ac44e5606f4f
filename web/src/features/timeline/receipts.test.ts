import { expect, test } from "vitest";
import type { Mark } from "../../wire/types";
import { isWithin, MOST_ASKED, reachOf, receiptsOf } from "./receipts";

/** A room in which the others have read and got so much. */
function room(read: number, delivered: number) {
  const asked: string[] = [];
  const seen = async (id: string) => {
    asked.push(id);
    const seq = Number(id);
    return {
      read: read >= seq ? ["ada"] : [],
      delivered: read < seq && delivered >= seq ? ["ada"] : [],
    };
  };
  return { asked, seen };
}

const own = Array.from({ length: 30 }, (_, at) => ({ id: String(at + 1), seq: at + 1 }));

test("where the newest is read, one question is enough", async () => {
  const { asked, seen } = room(30, 30);
  expect(await reachOf(own, seen)).toEqual({ read: 30, delivered: 30 });
  expect(asked).toEqual(["30"]);
});

test("the last that is read is found among those that are not", async () => {
  const { asked, seen } = room(17, 30);
  expect(await reachOf(own, seen)).toEqual({ read: 17, delivered: 30 });
  expect(asked.length).toBeLessThanOrEqual(MOST_ASKED);
});

test("nobody has come anywhere", async () => {
  const { seen } = room(0, 0);
  expect(await reachOf(own, seen)).toEqual({ read: 0, delivered: 0 });
  expect(await reachOf([], seen)).toEqual({ read: 0, delivered: 0 });
});

test("who came later has not read what was said before", () => {
  const mark = (user: string, read: number, since?: number) =>
    ({ user, read, delivered: read, version: 1, ...(since === undefined ? {} : { since }) }) as Mark;
  const readBy = (...marks: Mark[]) => {
    const { read } = receiptsOf({ read: 2, delivered: 2 }, marks);
    return Array.from({ length: 12 }, (_, at) => at + 1).filter((seq) => isWithin(read, seq));
  };
  expect(readBy()).toEqual([1, 2]);
  expect(readBy(mark("new", 9, 9))).toEqual([1, 2]);
  expect(readBy(mark("new", 11, 9))).toEqual([1, 2, 10, 11]);
  expect(readBy(mark("new", 11, 9), mark("old", 4))).toEqual([1, 2, 3, 4, 10, 11]);
  expect(readBy(mark("new", 11, 9), mark("old", 12))).toHaveLength(12);
});
