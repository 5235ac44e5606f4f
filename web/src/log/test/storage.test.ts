import "fake-indexeddb/auto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { User } from "../../wire/types";
import { FILES_KEPT, FILES_MOST, Memory, type StoredUpload } from "../storage";

const NOW = 1_800_000_000_000;
let memory: Memory;

beforeEach(async () => {
  memory = await Memory.open("me");
});

afterEach(async () => {
  memory.close();
  await Memory.erase("me");
});

function known(key: string, differs: Partial<StoredUpload> = {}): StoredUpload {
  return { key, room: "r", order: 1, since: NOW, size: 3, tab: "t", ...differs };
}

const file = (name: string) => new File(["abc"], name);
const keys = async () => (await memory.uploads(NOW)).map(({ key }) => key);

test("files that wait to be sent are remembered in their order, with how far they have come", async () => {
  await memory.keepUpload(known("b", { order: 2 }), file("b.txt"));
  await memory.keepUpload(known("a"), file("a.txt"));
  await memory.changeUpload("a", { order: 3, place: "/uploads/1" });
  expect(await keys()).toEqual(["b", "a"]);
  const found = await memory.upload("a");
  expect(found?.known.place).toBe("/uploads/1");
  expect(await found?.file.text()).toBe("abc");
});

test("what was taken back meanwhile does not come back when more is known of it", async () => {
  await memory.keepUpload(known("a"), file("a.txt"));
  await memory.forgetUpload("a");
  await memory.changeUpload("a", { attachment: "x" });
  expect(await keys()).toEqual([]);
  expect(await memory.upload("a")).toBeUndefined();
});

test("files are remembered up to a size in all", async () => {
  expect(await memory.keepUpload(known("a", { size: FILES_MOST - 5 }), file("a.txt"))).toBe(true);
  expect(await memory.keepUpload(known("b", { size: 6 }), file("b.txt"))).toBe(false);
  expect(await memory.keepUpload(known("c", { size: 5 }), file("c.txt"))).toBe(true);
  expect(await keys()).toEqual(["a", "c"]);
});

test("files that nobody sends are forgotten after a while", async () => {
  await memory.keepUpload(known("old", { since: NOW - FILES_KEPT - 1 }), file("old.txt"));
  await memory.keepUpload(known("new", { since: NOW - FILES_KEPT }), file("new.txt"));
  expect(await keys()).toEqual(["new"]);
  expect(await memory.upload("old")).toBeUndefined();
});

test("a message that is to be sent takes its files along", async () => {
  await memory.keepUpload(known("a", { attachment: "x" }), file("a.txt"));
  await memory.keepUpload(known("b", { attachment: "y" }), file("b.txt"));
  const body = { text: "", attachments: ["x"] };
  await memory.keep({ type: "send", id: "1", room: "r", body }, NOW);
  expect(await keys()).toEqual(["b"]);
  expect((await memory.operations()).map(({ operation }) => operation.id)).toEqual(["1"]);
});

test("with a room its files are forgotten", async () => {
  await memory.keepUpload(known("a"), file("a.txt"));
  await memory.keepUpload(known("b", { room: "other" }), file("b.txt"));
  await memory.forgetRoom("r");
  expect(await keys()).toEqual(["b"]);
});

test("an older tab gives way to a newer client", async () => {
  let told = false;
  const older = await Memory.open("me", () => {
    told = true;
  });
  memory.close();
  const newer = indexedDB.open("hubbub.me", 99);
  await new Promise((resolve) => {
    newer.onsuccess = resolve;
  });
  newer.result.close();
  expect(told).toBe(true);
  await expect(older.draft("r")).rejects.toThrow();
});

test("what was read is forgotten with the session, and what was written is not", async () => {
  const operation = { type: "send", id: "1", room: "r", body: { text: "later" } } as const;
  const user = { id: "ben" } as User;
  await memory.keep(operation, NOW);
  await memory.keepDraft("r", { text: "half" });
  await memory.keepRooms([{ id: "r", position: { epoch: 1, seq: 1 }, messages: [], covered: [] }]);
  await memory.keepList({ people: [user] });
  await memory.keepUpload(known("a"), file("a.txt"));
  await Memory.eraseRead("me");
  expect(await memory.rooms()).toEqual([]);
  expect(await memory.lists()).toEqual({ rooms: [], people: [] });
  expect(await keys()).toEqual([]);
  expect(await memory.draft("r")).toEqual({ text: "half" });
  expect(await memory.operations()).toMatchObject([{ operation, since: NOW }]);
});
