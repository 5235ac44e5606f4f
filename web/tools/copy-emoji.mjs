// Puts the names of all emoji into `public/emoji`, where the picker and the composer read them: the
// client asks nobody but its own server. Run before `vite build` and `vite`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const source = new URL("../node_modules/emojibase-data/", import.meta.url);
const target = new URL("../public/emoji/", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, source), "utf8"));

mkdirSync(new URL("en/", target), { recursive: true });

// What the picker reads of an emoji and of each of its skin tones; the rest would only be carried along.
const kept = ["emoji", "group", "hexcode", "label", "order", "subgroup", "tags", "tone", "version"];
const slim = (emoji) => {
  const entries = kept.filter((field) => field in emoji).map((field) => [field, emoji[field]]);
  return { ...Object.fromEntries(entries), ...(emoji.skins ? { skins: emoji.skins.map(slim) } : {}) };
};
const data = read("en/data.json");
write("en/data.json", data.map(slim));
write("en/messages.json", read("en/messages.json"));

// `:code:` of every name that people know from elsewhere, the usual ones first.
const tables = ["github", "iamcal", "emojibase"].map((name) => read(`en/shortcodes/${name}.json`));
const codes = {};
for (const table of tables) {
  for (const { hexcode, emoji } of data) {
    for (const code of [table[hexcode] ?? []].flat()) codes[code] ??= emoji;
  }
}
write("shortcodes.json", codes);

function write(path, value) {
  writeFileSync(new URL(path, target), JSON.stringify(value));
}
