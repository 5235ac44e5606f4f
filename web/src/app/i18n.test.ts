import { expect, test } from "vitest";
import ar from "./ar";
import { localeOf } from "./i18n";

const sources = import.meta.glob<string>("/src/**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** Every text that the client's code asks for. */
function texts(): string[] {
  const found = Object.values(sources).flatMap((source) => [
    ...source.matchAll(/\bt\(\s*"((?:[^"\\]|\\.)*)"/g),
  ]);
  return [...new Set(found.map(([, text]) => text ?? ""))];
}

test("every text is there in every language, and none that is not used", () => {
  expect(texts().filter((text) => !(text in ar))).toEqual([]);
  const used = new Set(texts());
  expect(Object.keys(ar).filter((text) => !used.has(text))).toEqual([]);
});

test("translations have the same values to fill in", () => {
  const values = (text: string) =>
    [...new Set([...text.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name))].sort();
  const differ = Object.entries(ar).filter(([text, said]) => values(text).join() !== values(said).join());
  expect(differ.map(([text]) => text)).toEqual([]);
});

test("dates and times follow the person's own locale of the language", () => {
  expect(localeOf("en", ["de-DE", "en-GB", "en-US"])).toBe("en-GB");
  expect(localeOf("ar", ["en-GB"])).toBe("ar");
  expect(localeOf("en", ["enm"])).toBe("en");
});
