import { i18n } from "@lingui/core";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { create } from "zustand";

/** Languages of the client; the English texts are the keys of all others. */
export const LANGUAGES = { en: "English", ar: "العربية" } as const;

/** A language of the client. */
export type Language = keyof typeof LANGUAGES;

const RIGHT_TO_LEFT: ReadonlySet<Language> = new Set<Language>(["ar"]);

i18n.setMessagesCompiler(compileMessage);
i18n.load("en", {});
i18n.activate("en");

/** A text in the person's language. `{name}` in it stands for a value; ICU plurals work. */
export function t(text: string, values?: Record<string, unknown>): string {
  return i18n._(text, values, { message: text });
}

/** The language whose texts are there. The one that was chosen may still be on its way. */
const useSpoken = create<{ language: Language }>(() => ({ language: "en" }));
let wanted: Language = "en";

/** Speaks a language as soon as its texts are there. */
export async function speak(language: Language): Promise<void> {
  wanted = language;
  if (language === "ar") i18n.load("ar", (await import("./ar")).default);
  // Another one may have been chosen meanwhile.
  if (wanted !== language) return;
  i18n.activate(language);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";
  useSpoken.setState({ language });
}

/**
 * The locale of dates, times and numbers: the person's own of that language where the browser tells
 * one, as `en-GB`. It decides between 12 and 24 hours.
 */
export function localeOf(language: Language, offered: readonly string[] = navigator.languages): string {
  return offered.find((tag) => tag === language || tag.startsWith(`${language}-`)) ?? language;
}

/** Draws the component anew when the language changes, and tells the locale of dates and times. */
export function useLocale(): string {
  return localeOf(useLanguage());
}

/** Draws the component anew when the language changes, and tells which it is. */
export function useLanguage(): Language {
  return useSpoken(({ language }) => language);
}
