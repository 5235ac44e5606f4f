import { useEffect, useState } from "react";

/** Whether somebody is looking at this very tab. */
export function useAttention(): boolean {
  const [attentive, set] = useState(isLooking);
  useEffect(() => {
    const update = () => set(isLooking());
    document.addEventListener("visibilitychange", update);
    window.addEventListener("focus", update);
    window.addEventListener("blur", update);
    return () => {
      document.removeEventListener("visibilitychange", update);
      window.removeEventListener("focus", update);
      window.removeEventListener("blur", update);
    };
  }, []);
  return attentive;
}

function isLooking(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}
