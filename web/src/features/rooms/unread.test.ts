import { beforeEach, expect, test } from "vitest";
import { Room as Log } from "../../log/room";
import type { Message, Room } from "../../wire/types";
import { unreadOf } from "./rooms";

const told = { id: "r", seq: 0, read: 0, unread: 0, mentions: 0 } as Room;
let log: Log;

beforeEach(() => {
  log = new Log("r", { epoch: 1, seq: 0 });
});

function say(seq: number, sender: string, change: Partial<Message> = {}): void {
  const at = new Date(seq * 1_000).toISOString();
  const said = { room: "r", epoch: 1, seq, id: `id-${seq}`, sender, at, body: { text: "hi" }, reactions: [] };
  log.advance({ epoch: 1, seq });
  log.said({ ...said, ...change } as Message);
}

test("what others said since is counted at once, one's own is not", () => {
  say(1, "ada");
  say(2, "me");
  say(3, "ada", { body: { text: "@me", mentions: { users: ["me"] } } });
  expect(unreadOf(told, log, "me")).toEqual({ messages: 2, mentions: 1 });
});

test("a server that had not counted the newest message yet hides nothing", () => {
  say(1, "ada");
  expect(unreadOf({ ...told, seq: 1, unread: 0 }, log, "me").messages).toBe(1);
});

test("a deleted message counts no more", () => {
  say(1, "ada");
  say(2, "ada", { deleted_at: new Date().toISOString() });
  expect(unreadOf(told, log, "me").messages).toBe(1);
});

test("what is marked unread counts from there on, though it was read", () => {
  say(1, "ada");
  say(2, "ada");
  log.standing = { ...log.standing, read: 2, unreadFrom: 2 };
  expect(unreadOf({ ...told, seq: 2, read: 2 }, log, "me").messages).toBe(1);
});

test("where the log has a hole the server's count stands, with what came since", () => {
  log = new Log("r", { epoch: 1, seq: 40 });
  say(41, "ada");
  expect(unreadOf({ ...told, seq: 40, unread: 12, mentions: 2 }, log, "me")).toEqual({
    messages: 13,
    mentions: 2,
  });
});

test("everything read is nothing unread, whatever the server said before", () => {
  say(1, "ada");
  log.standing = { ...log.standing, read: 1 };
  expect(unreadOf({ ...told, seq: 1, unread: 1 }, log, "me")).toEqual({ messages: 0, mentions: 0 });
});
