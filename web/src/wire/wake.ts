/** How often the clock is looked at, in milliseconds. */
const LOOK_EVERY = 5_000;
/** A clock that has moved on by so much more has not been looked at because the device slept. */
const SLEPT = 10_000;

/** What of a browser tells that the network may have changed. */
export interface Signals {
  readonly window: EventTarget;
  readonly document: EventTarget & { readonly visibilityState: DocumentVisibilityState };
}

/**
 * Calls back whenever a connection may be dead without anybody having noticed: the network came
 * back, is gone or is another, the page is looked at again, or the device has slept. Until the returned
 * function is called.
 */
export function onWake(callback: () => void, { window, document }: Signals): () => void {
  const looked = () => {
    if (document.visibilityState === "visible") callback();
  };
  window.addEventListener("online", callback);
  window.addEventListener("offline", callback);
  window.addEventListener("pageshow", callback);
  document.addEventListener("visibilitychange", looked);
  let last = Date.now();
  const clock = setInterval(() => {
    const now = Date.now();
    if (now - last > LOOK_EVERY + SLEPT) callback();
    last = now;
  }, LOOK_EVERY);
  return () => {
    clearInterval(clock);
    window.removeEventListener("online", callback);
    window.removeEventListener("offline", callback);
    window.removeEventListener("pageshow", callback);
    document.removeEventListener("visibilitychange", looked);
  };
}
