/** Whether the browser says that it runs on something of Apple's, whose people press ⌘ for Ctrl. */
const isApple = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** What is written on the key that gives commands. */
export const COMMAND = isApple ? "⌘" : "Ctrl";
