import { usePreferences } from "../../app/preferences";

let table: Promise<[string, string][]> | undefined;
let loaded: [string, string][] = [];

/** Emoji whose shortcode starts with `word`, then those that have it inside. Loaded when first asked. */
export function emojiByShortcode(word: string, most: number): [string, string][] {
  table ??= load();
  table.then(
    (all) => {
      loaded = all;
    },
    () => {
      table = undefined;
    },
  );
  const starts = loaded.filter(([code]) => code.startsWith(word));
  const inside = loaded.filter(([code]) => code.includes(word) && !code.startsWith(word));
  const { recentEmoji } = usePreferences.getState();
  const recent = ([, emoji]: [string, string]) => (recentEmoji.includes(emoji) ? 0 : 1);
  return [...starts.sort((a, b) => recent(a) - recent(b) || a[0].length - b[0].length), ...inside].slice(
    0,
    most,
  );
}

/** The emoji of a whole shortcode, if the table is there and has it. */
export function emojiOf(code: string): string | undefined {
  return loaded.find(([known]) => known === code)?.[1];
}

async function load(): Promise<[string, string][]> {
  const answer = await fetch("/emoji/shortcodes.json");
  return Object.entries((await answer.json()) as Record<string, string>);
}
