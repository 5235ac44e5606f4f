import { useEffect, useState, useSyncExternalStore } from "react";
import { useLink } from "./conversation";
import { t } from "./i18n";

/** How long a lost connection is not worth a word, in milliseconds: most come back at once. */
const PATIENCE = 3_000;

/** Says that there is no connection, once that has lasted. What is written meanwhile is kept. */
export function LinkBar() {
  const link = useLink();
  const isOffline = useOffline();
  const since = link.kind === "connecting" ? link.since : isOffline ? performance.now() : undefined;
  const isLost = since !== undefined;
  const [isLong, set] = useState(false);
  useEffect(() => {
    set(false);
    if (!isLost || since === undefined) return;
    const timer = setTimeout(() => set(true), Math.max(0, since + PATIENCE - performance.now()));
    return () => clearTimeout(timer);
    // Counted from the loss: what is told of it meanwhile does not begin it anew.
  }, [isLost]);
  return (
    <div role="status" aria-live="polite">
      {isLong && (
        <div className="linkbar">{t("No connection. What you write is sent as soon as there is one.")}</div>
      )}
    </div>
  );
}

/** Whether the device says that it has no network. A socket may not have noticed yet. */
function useOffline(): boolean {
  return useSyncExternalStore(subscribe, () => !navigator.onLine);
}

function subscribe(callback: () => void): () => void {
  window.addEventListener("online", callback);
  window.addEventListener("offline", callback);
  return () => {
    window.removeEventListener("online", callback);
    window.removeEventListener("offline", callback);
  };
}
