import { expect, test } from "vitest";
import { keyOf } from "./keys";

test.each([
  ["k", "KeyK", "k", "as it is typed"],
  ["K", "KeyK", "k", "with Caps Lock"],
  ["л", "KeyK", "k", "on a Russian layout"],
  ["ظ", "Slash", "/", "on an Arabic layout"],
  ["t", "KeyK", "t", "on Dvorak, which has letters of its own"],
  ["+", "Equal", "+", "a sign"],
  ["Escape", "Escape", "Escape", "a key with a name"],
])("%s at %s is %s: %s", (key, code, stands) => {
  expect(keyOf({ key, code })).toBe(stands);
});
