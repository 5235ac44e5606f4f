import { expect, test } from "vitest";
import { MOST_ASKED, reachOf } from "./receipts";

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
