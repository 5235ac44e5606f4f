import { isCoarse } from "./pointer";

/** For when what has the focus goes away: one goes on writing. On a phone that would open the keyboard. */
export function focusComposer(): void {
  if (!isCoarse()) document.querySelector<HTMLElement>("[data-composer]")?.focus();
}
