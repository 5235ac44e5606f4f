import { expect, test } from "vitest";
import { concerns } from "./rules";

const room = { id: "r", kind: "private", notify: "mentions" } as const;
const message = { sender: "other", seq: 5, body: { text: "hi", mentions: { users: ["me"] } } };
const base = { room, message, user: "me", read: 4, repliesToMe: false, looking: undefined };

test("a mention is worth a notification, plain talk is not", () => {
  expect(concerns(base)).toBe(true);
  expect(concerns({ ...base, message: { ...message, body: { text: "hi" } } })).toBe(false);
  expect(concerns({ ...base, message: { ...message, body: { text: "hi", mentions: { all: true } } } })).toBe(
    true,
  );
});

test("an answer to one's own message is worth one", () => {
  const plain = { ...message, body: { text: "hi" } };
  expect(concerns({ ...base, message: plain, repliesToMe: true })).toBe(true);
});

test("direct messages and rooms set to everything always are", () => {
  const plain = { ...message, body: { text: "hi" } };
  expect(concerns({ ...base, message: plain, room: { ...room, kind: "direct" } })).toBe(true);
  expect(concerns({ ...base, message: plain, room: { ...room, notify: "all" } })).toBe(true);
});

test("a muted room never is, not even for a mention", () => {
  expect(concerns({ ...base, room: { ...room, notify: "nothing" } })).toBe(false);
  expect(concerns({ ...base, room: { ...room, kind: "direct", notify: "nothing" } })).toBe(false);
});

test("one's own, what is read, and what somebody looks at in any tab are not", () => {
  expect(concerns({ ...base, message: { ...message, sender: "me" } })).toBe(false);
  expect(concerns({ ...base, read: 5 })).toBe(false);
  expect(concerns({ ...base, looking: { room: "r" } })).toBe(false);
  expect(concerns({ ...base, looking: { room: "another" } })).toBe(true);
});
