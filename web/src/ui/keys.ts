/** Whether the browser says that it runs on something of Apple's, whose people press ⌘ for Ctrl. */
const isApple = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** What is written on the key that gives commands. */
export const COMMAND = isApple ? "⌘" : "Ctrl";

/**
 * The letter or sign that a key stands for, whatever Caps Lock makes of it. On a layout without Latin
 * letters it is what is in that place on a US keyboard, as with the browser's own commands.
 */
export function keyOf({ key, code }: Pick<KeyboardEvent, "key" | "code">): string {
  if ([...key].length > 1) return key;
  if (/^[ -~]$/.test(key)) return key.toLowerCase();
  return /^Key([A-Z])$/.exec(code)?.[1]?.toLowerCase() ?? (code === "Slash" ? "/" : key);
}
