import { useEffect, useState } from "react";
import { useLink } from "./conversation";
import { t } from "./i18n";

/** How long a lost connection is not worth a word, in milliseconds: most come back at once. */
const PATIENCE = 3_000;

/** Says that there is no connection, once that has lasted. What is written meanwhile is kept. */
export function LinkBar() {
  const link = useLink();
  const since = link.kind === "connecting" ? link.since : undefined;
  const [isLong, set] = useState(false);
  useEffect(() => {
    set(false);
    if (since === undefined) return;
    const timer = setTimeout(() => set(true), Math.max(0, since + PATIENCE - performance.now()));
    return () => clearTimeout(timer);
  }, [since]);
  return (
    <div role="status" aria-live="polite">
      {isLong && (
        <div className="linkbar">{t("No connection. What you write is sent as soon as there is one.")}</div>
      )}
    </div>
  );
}
