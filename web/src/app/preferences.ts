import { create } from "zustand";
import { persist } from "zustand/middleware";
import type { Language } from "./i18n";

/** What a person has chosen for this device. */
export interface Preferences {
  readonly theme: "light" | "dark" | "system";
  readonly density: "comfortable" | "compact";
  readonly language: Language;
  /** Enter sends and Shift+Enter makes a new line, or the other way round. */
  readonly enterSends: boolean;
  /** Whether notifications show what was said. */
  readonly notifications: "content" | "sender" | "off";
  readonly sounds: boolean;
  /** Whether a card under a message shows what its link leads to. */
  readonly linkPreviews: boolean;
  /** Emoji used last, the latest first. */
  readonly recentEmoji: readonly string[];
  /** Whether the person is new here and is shown what to do first. */
  readonly firstSteps: boolean;
  readonly skinTone: "none" | "light" | "medium-light" | "medium" | "medium-dark" | "dark";
}

const languages: readonly string[] = typeof navigator === "undefined" ? [] : navigator.languages;
const language: Language = languages[0]?.startsWith("ar") ? "ar" : "en";

/** This device's preferences, shared by its tabs and kept over reloads. */
export const usePreferences = create<Preferences>()(
  persist(
    (): Preferences => ({
      theme: "system",
      density: "comfortable",
      language,
      enterSends: true,
      notifications: "content",
      sounds: false,
      linkPreviews: true,
      recentEmoji: [],
      firstSteps: false,
      skinTone: "none",
    }),
    { name: "hubbub.preferences" },
  ),
);

/** Changes some of them. */
export function prefer(change: Partial<Preferences>): void {
  usePreferences.setState(change);
}

/** Notes that an emoji was used. */
export function usedEmoji(emoji: string): void {
  const { recentEmoji } = usePreferences.getState();
  prefer({ recentEmoji: [emoji, ...recentEmoji.filter((other) => other !== emoji)].slice(0, 16) });
}
