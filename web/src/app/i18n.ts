import { i18n } from "@lingui/core";
import { compileMessage } from "@lingui/message-utils/compileMessage";
import { usePreferences } from "./preferences";

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

/** Speaks a language from now on. */
export async function speak(language: Language): Promise<void> {
  if (language === "ar") i18n.load("ar", (await import("./ar")).default);
  i18n.activate(language);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";
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
  return usePreferences((preferences) => preferences.language);
}
