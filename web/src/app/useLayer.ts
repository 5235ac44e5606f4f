import { useEffect, useRef } from "react";
import { lay } from "./history";

/** Makes the back button close what this component shows over the page, for as long as it is there. */
export function useLayer(onClose: () => void): void {
  const latest = useRef(onClose);
  latest.current = onClose;
  useEffect(() => lay(() => latest.current()), []);
}
