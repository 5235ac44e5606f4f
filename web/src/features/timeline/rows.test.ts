import { describe, expect, test } from "vitest";
import type { Pending } from "../../log/outbox";
import type { Row as LogRow } from "../../log/timeline";
import type { Attachment, Message } from "../../wire/types";
import { type Row, reuse, rowsOf, type Source } from "./rows";

const START = Date.parse("2026-05-04T10:00:00Z");

function message(seq: number, sender: string, minutes: number, change: Partial<Message> = {}): LogRow {
  const at = new Date(START + minutes * 60_000).toISOString();
  const body = { text: `m${seq}` };
  const said = { room: "r", epoch: 1, seq, id: `id-${seq}`, sender, at, body, reactions: [], ...change };
  return { kind: "message", message: said as Message };
}

function send(
  id: string,
  state: Pending["state"] = { kind: "sending" },
  attachments: string[] = [],
): Pending {
  const operation = { type: "send", id, room: "r", body: { text: id, attachments } } as const;
  return { operation, since: START + 3_600_000, state };
}

function rows(log: LogRow[], change: Partial<Source> = {}): Row[] {
  return rowsOf({
    log,
    complete: false,
    pending: [],
    user: "me",
    online: true,
    receipts: { delivered: [], read: [] },
    newAfter: undefined,
    room: "r",
    ...change,
  });
}

/** What it comes to that the others have read and got so much. */
function reached(read: number, delivered = read): Pick<Source, "receipts"> {
  return {
    receipts: { read: [{ after: 0, upto: read }], delivered: [{ after: 0, upto: delivered }] },
  };
}

/** Rows in short: `d` a date, `n` the divider, `g` a gap, a message's text, with `+` if it continues. */
function short(list: readonly Row[]): string {
  return list
    .map((row) => {
      if (row.kind === "message") return `${row.continues ? "+" : ""}${row.message.body.text}`;
      return row.kind === "beginning" ? "b" : row.kind[0];
    })
    .join(" ");
}

describe("groups", () => {
  test("one person within five minutes is one group", () => {
    expect(short(rows([message(1, "a", 0), message(2, "a", 4), message(3, "a", 10)]))).toBe("d m1 +m2 m3");
  });

  test("another person, a reply and a deleted message break it", () => {
    const reply = message(3, "a", 2, { body: { text: "m3", reply_to: "id-1" } });
    const gone = message(5, "a", 4, { deleted_at: new Date(START).toISOString() });
    const log = [message(1, "a", 0), message(2, "b", 1), reply, message(4, "a", 3), gone, message(6, "a", 5)];
    expect(short(rows(log))).toBe("d m1 m2 m3 +m4 m5 m6");
  });

  test("a new day breaks it, with its date", () => {
    const day = 24 * 60;
    expect(short(rows([message(1, "a", 0), message(2, "a", day)]))).toBe("d m1 d m2");
  });
});

describe("the divider", () => {
  test("stands before the first message of another that is new", () => {
    const log = [message(1, "a", 0), message(2, "me", 1), message(3, "a", 2), message(4, "a", 3)];
    expect(short(rows(log, { newAfter: 1 }))).toBe("d m1 m2 n m3 +m4");
  });

  test("is not made by one's own message", () => {
    expect(short(rows([message(1, "a", 0), message(2, "me", 1)], { newAfter: 1 }))).toBe("d m1 m2");
  });
});

describe("what is on its way", () => {
  const delivery = (list: readonly Row[]) =>
    list.flatMap((row) => (row.kind === "message" && row.delivery ? row.delivery.kind : []));

  test("stands at the end until it has its place, under one key", () => {
    const before = rows([message(1, "a", 0)], { pending: [send("id-2")] });
    const after = rows([message(1, "a", 0), message(2, "me", 60)], { pending: [send("id-2")] });
    expect(before.at(-1)?.key).toBe("id-2");
    expect(after.filter(({ key }) => key === "id-2")).toHaveLength(1);
    expect(delivery(after)).toEqual(["sending"]);
  });

  test("waits while there is no connection, and says why it failed", () => {
    expect(delivery(rows([], { pending: [send("x")], online: false }))).toEqual(["queued"]);
    const failed = send("x", { kind: "failed", code: "muted", detail: "no" });
    expect(delivery(rows([], { pending: [failed] }))).toEqual(["failed"]);
  });

  test("shows the files that this tab has uploaded", () => {
    const file = { id: "f", name: "a.txt", size: 1, type: "text/plain" } satisfies Attachment;
    const uploaded = (id: string) => (id === "f" ? file : undefined);
    const [row] = rows([], { pending: [send("x", { kind: "sending" }, ["f", "gone"])], uploaded }).slice(-1);
    expect(row?.kind === "message" && row.message.body.attachments).toEqual([file]);
  });

  test("is sent, delivered and read as the others come along", () => {
    const log = [message(1, "me", 0), message(2, "me", 1), message(3, "me", 2)];
    expect(delivery(rows(log, reached(1, 2)))).toEqual(["read", "delivered", "sent"]);
  });

  test("an edit is shown before it is confirmed, a refused one is not", () => {
    const edit = (state: Pending["state"]): Pending => ({
      operation: { type: "edit", id: "e", room: "r", message: "id-1", body: { text: "new" } },
      since: START,
      state,
    });
    const log = [message(1, "me", 0)];
    expect(short(rows(log, { pending: [edit({ kind: "sending" })] }))).toBe("d new");
    expect(short(rows(log, { pending: [edit({ kind: "failed", code: "forbidden", detail: "" })] }))).toBe(
      "d m1",
    );
  });
});

describe("a reaction that is on its way", () => {
  const react = (on: boolean, state: Pending["state"] = { kind: "sending" }): Pending => ({
    operation: { type: "react", id: "x", room: "r", message: "id-1", emoji: "👍", on },
    since: START,
    state,
  });
  const shown = (users: string[], pending: Pending, count = users.length) => {
    const reactions = count > 0 ? [{ emoji: "👍", count, users }] : [];
    const row = rows([message(1, "a", 0, { reactions })], { pending: [pending] }).at(-1);
    const [reaction] = row?.kind === "message" ? row.message.reactions : [];
    return reaction && [reaction.count, reaction.users];
  };
  const placed = { kind: "placed", position: { epoch: 1, seq: 2 } } as const;

  test("is shown at once, and once", () => {
    expect(shown(["a"], react(true))).toEqual([2, ["a", "me"]]);
    expect(shown(["a", "me"], react(true))).toEqual([2, ["a", "me"]]);
    expect(shown(["me"], react(false))).toBeUndefined();
  });

  test("hides nobody else's when it is withdrawn and the log knows that already", () => {
    expect(shown(["a"], react(false))).toEqual([1, ["a"]]);
    expect(shown(["a"], react(false, placed))).toEqual([1, ["a"]]);
  });

  test("leaves what came after it as it is", () => {
    expect(shown(["a"], react(true, placed)), "withdrawn on another device").toEqual([1, ["a"]]);
  });

  test("among more than are named is taken at its word until the log has it", () => {
    const many = Array.from({ length: 100 }, (_, index) => `user-${index}`);
    expect(shown(many, react(true), 105)?.[0]).toBe(106);
    expect(shown(many, react(false), 105)?.[0]).toBe(104);
    expect(shown(many, react(false, placed), 104)?.[0]).toBe(104);
  });
});

test("a gap is a row of its own and ends a group", () => {
  const gap: LogRow = { kind: "gap", after: 1, before: 5 };
  expect(short(rows([message(1, "a", 0), gap, message(5, "a", 1)]))).toBe("d m1 g m5");
  const keys = rows([message(1, "a", 0), gap, message(5, "a", 1)]).map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
});

describe("rows that are made anew", () => {
  const log = Array.from({ length: 5 }, (_, index) => message(index + 1, index < 3 ? "a" : "me", index));

  test("are the same objects where nothing has changed", () => {
    const before = rows(log);
    const after = reuse(rows([...log, message(6, "b", 9)]), before);
    expect(after.slice(0, -1).every((row, index) => row === before[index])).toBe(true);
    expect(short(after.slice(-1))).toBe("m6");
  });

  test("are others where something has", () => {
    const before = rows(log, reached(3));
    const after = reuse(rows(log, reached(4)), before);
    const changed = after.filter((row) => !before.includes(row));
    expect(short(changed)).toBe("m4");
    expect(changed[0]).toMatchObject({ delivery: { kind: "read" } });
    const edited = message(2, "a", 1, { body: { text: "other" } });
    expect(short(reuse(rows(log.with(1, edited)), before).filter((row) => !before.includes(row)))).toContain(
      "other",
    );
  });

  test("are others where what was refused is tried again", () => {
    const failed = send("id-9", { kind: "failed", code: "muted", detail: "no" });
    const before = rows(log, { pending: [failed] });
    const after = reuse(rows(log, { pending: [send("id-9")] }), before);
    expect(after.filter((row) => !before.includes(row))).toMatchObject([{ delivery: { kind: "sending" } }]);
  });
});
