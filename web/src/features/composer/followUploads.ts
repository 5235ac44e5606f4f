import type { Conversation } from "../../app/conversation";
import { onWake } from "../../wire/wake";
import { hasUploads, wakeUploads } from "./uploads";

/** Lets uploads go on as soon as there is a network again, and asks before the page leaves them behind. */
export function followUploads({ engine }: Conversation): () => void {
  const stops = [
    onWake(wakeUploads, { window, document }),
    engine.onLink(({ kind }) => {
      if (kind === "online") wakeUploads();
    }),
  ];
  const ask = (event: BeforeUnloadEvent) => {
    if (hasUploads()) event.preventDefault();
  };
  window.addEventListener("beforeunload", ask);
  return () => {
    window.removeEventListener("beforeunload", ask);
    for (const stop of stops) stop();
  };
}
