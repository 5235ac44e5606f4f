import { describe, expect, test } from "vitest";
import type { ClientFrame, ServerFrame } from "../../wire/types";
import { CONFIRM_WITHIN, Progress } from "../progress";
import { Replica } from "../replica";

const nothing = { delivered: 0, read: 0, unread: 0, mentions: 0, unreadFrom: undefined };

describe("what is marked", () => {
  test("goes out at once, and again until the server shows it", () => {
    const progress = new Progress();
    progress.reach({ read: 4 });
    expect(progress.next("tea", 0)).toEqual({ type: "mark", room: "tea", read: 4 });
    expect(progress.next("tea", CONFIRM_WITHIN - 1)).toBeUndefined();
    progress.confirmed({ ...nothing, read: 3 });
    expect(progress.next("tea", CONFIRM_WITHIN)).toEqual({ type: "mark", room: "tea", read: 4 });
    progress.confirmed({ ...nothing, read: 4 });
    expect(progress.deadline).toBeUndefined();
    expect(progress.next("tea", 100 * CONFIRM_WITHIN)).toBeUndefined();
  });

  test("is not repeated for ever, but goes out again on the next connection", () => {
    const progress = new Progress();
    progress.reach({ delivered: 2 });
    let sent = 0;
    for (let now = 0; now < 100 * CONFIRM_WITHIN; now += 1_000) if (progress.next("tea", now)) sent += 1;
    expect(sent).toBe(5);
    progress.reconnected();
    expect(progress.next("tea", 0)).toEqual({ type: "mark", room: "tea", delivered: 2 });
  });

  test("is the furthest of everything that was reached", () => {
    const progress = new Progress();
    progress.reach({ read: 7, delivered: 8 });
    progress.reach({ read: 5, delivered: 9 });
    expect(progress.next("tea", 0)).toEqual({ type: "mark", room: "tea", read: 7, delivered: 9 });
  });

  test("as unread takes back what was read, and reading on takes back that", () => {
    const progress = new Progress();
    progress.reach({ read: 7 });
    progress.reach({ unread: 3 });
    expect(progress.next("tea", 0)).toEqual({ type: "mark", room: "tea", unread: 3 });
    progress.confirmed({ ...nothing, unreadFrom: 3 });
    expect(progress.deadline).toBeUndefined();
    progress.reach({ unread: 3 });
    progress.reach({ read: 8 });
    expect(progress.next("tea", 0)).toEqual({ type: "mark", room: "tea", read: 8 });
  });
});

describe("a replica", () => {
  function started() {
    const up: ClientFrame[] = [];
    const replica = new Replica({ transmit: (frame) => up.push(frame), load: () => {}, tell: () => {} });
    const ready = (read: number) =>
      replica.receive(
        {
          type: "ready",
          user: "me",
          rooms: [{ room: "tea", epoch: 1, seq: 9, delivered: 9, read, unread: 0, mentions: 0 }],
        } as unknown as ServerFrame,
        0,
      );
    const marks = () => up.filter(({ type }) => type === "mark");
    return { replica, ready, marks };
  }

  test("tells what was read without a connection once there is one", () => {
    const { replica, ready, marks } = started();
    ready(2);
    replica.disconnected();
    replica.reached("tea", { read: 9 }, 10);
    expect(marks()).toEqual([]);
    ready(2);
    expect(marks()).toEqual([{ type: "mark", room: "tea", read: 9 }]);
  });

  test("repeats a mark that was lost on the way, until its own standing shows it", () => {
    const { replica, ready, marks } = started();
    ready(2);
    replica.reached("tea", { read: 9 }, 10);
    expect(replica.deadline()).toBe(10 + CONFIRM_WITHIN);
    replica.tick(10 + CONFIRM_WITHIN);
    expect(marks()).toHaveLength(2);
    const mark = { user: "me", delivered: 9, read: 9, version: 3 };
    replica.receive({ type: "marks", room: "tea", marks: [mark] } as ServerFrame, 5_000);
    expect(replica.deadline()).toBeUndefined();
  });

  test("says nothing of what another device has told already", () => {
    const { replica, ready, marks } = started();
    ready(2);
    replica.disconnected();
    replica.reached("tea", { read: 9 }, 10);
    ready(9);
    expect(marks()).toEqual([]);
  });
});
