import { expect, test } from "vitest";
import { plainText } from "./plain";

/** The examples that hold for every client and for the server. */
const vectors = Object.values(
  import.meta.glob<{ about: string; input: string; plain: string }[]>(
    "../../../../crates/protocol/tests/markdown.json",
    { import: "default", eager: true },
  ),
).flat();

test.each(vectors)("$about", ({ input, plain }) => {
  expect(plainText(input)).toBe(plain);
});

test("what is nested too deep is left as it was typed", () => {
  const deep = `${"> ".repeat(5_000)}text`;
  expect(plainText(deep)).toContain("text");
});
