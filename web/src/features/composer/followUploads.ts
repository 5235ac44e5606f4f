import type { Conversation } from "../../app/conversation";
import { onWake } from "../../wire/wake";
import { sayHeld } from "./say";
import { losesUploads, recallUploads, wakeUploads } from "./uploads";

/**
 * Takes up the files that wait to be sent, lets uploads go on as soon as there is a network again, and asks
 * before the page leaves any behind.
 */
export function followUploads(conversation: Conversation): () => void {
  const { engine, memory } = conversation;
  recallUploads(memory)
    .then((held) => Promise.all(held.map((room) => sayHeld(conversation, room))))
    // The session is over already.
    .catch(() => undefined);
  const stops = [
    onWake(wakeUploads, { window, document }),
    engine.onLink(({ kind }) => {
      if (kind === "online") wakeUploads();
    }),
  ];
  const ask = (event: BeforeUnloadEvent) => {
    if (losesUploads()) event.preventDefault();
  };
  window.addEventListener("beforeunload", ask);
  return () => {
    window.removeEventListener("beforeunload", ask);
    for (const stop of stops) stop();
  };
}
