/** When the page was last loaded anew for this reason, so that it is not done over and over. */
const RELOADED = "hubbub.reloaded";
const AT_MOST_EVERY_MS = 60_000;

/**
 * A page that is older than its server may ask for a part of the client that is no longer there.
 * Loaded anew it is as new as the server; what was being written is kept by the drafts and the outbox,
 * and what would be lost is asked about.
 */
export function reloadWhenOutdated(mayReload: () => boolean): void {
  window.addEventListener("vite:preloadError", () => {
    const last = Number(sessionStorage.getItem(RELOADED) ?? 0);
    if (Date.now() - last < AT_MOST_EVERY_MS || !mayReload()) return;
    sessionStorage.setItem(RELOADED, String(Date.now()));
    location.reload();
  });
}
