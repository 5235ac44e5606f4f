import { useEffect, useState } from "react";
import { focusComposer } from "../ui/focusComposer";

/**
 * Gives the focus back to where it was before this component was there, if it goes away with the focus.
 * Where there was none, one goes on writing.
 */
export function useFocusBack(): void {
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (document.activeElement !== document.body) return;
      if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) opener.focus();
      else focusComposer();
    },
    [opener],
  );
}
