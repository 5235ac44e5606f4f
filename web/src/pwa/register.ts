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

/** Makes the client start without a network. A newer version takes over at the next start. */
export function registerServiceWorker(): void {
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
