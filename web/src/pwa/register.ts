/** What makes a URL one that may be run as a script, where the page's policy asks for that. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL(url: string): string;
  };
}

const SCRIPT = "/sw.js";
/** When this tab was last loaded anew because a part of the client was gone, in milliseconds. */
const RELOADED = "hubbub.reloaded";
/** A part that is still gone after a reload within this time is not asked for again. */
const ONCE_IN = 30_000;

/** Makes the client start without a network. A newer version takes over at the next start. */
export function registerServiceWorker(): void {
  window.addEventListener("vite:preloadError", reloadOnce);
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes };
  const rules = {
    createScriptURL: (url: string) => {
      if (url !== SCRIPT) throw new TypeError(`${url} is not a script of this client`);
      return url;
    },
  };
  const policy = trustedTypes?.createPolicy("hubbub", rules);
  window.addEventListener("load", () => {
    // Without it the client works all the same, but not offline: a private window may refuse.
    navigator.serviceWorker.register(policy?.createScriptURL(SCRIPT) ?? SCRIPT).catch(() => undefined);
  });
}

/** A part of the client is gone from the server: a newer version is there. Drafts survive. */
function reloadOnce(): void {
  const last = Number(sessionStorage.getItem(RELOADED));
  if (Date.now() - last < ONCE_IN) return;
  sessionStorage.setItem(RELOADED, String(Date.now()));
  location.reload();
}
