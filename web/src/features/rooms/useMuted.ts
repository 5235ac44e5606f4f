import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { useConversation } from "../../app/conversation";
import type { Room } from "../../wire/types";

/** How often it is asked whether a mute was lifted early: nobody tells of that. In milliseconds. */
const ASK_EVERY = 20_000;
/** How much later than the mute's end the server is asked, for clocks that differ, in milliseconds. */
const SLACK = 500;

/** Learns that this person was muted when something they said is refused, and when they may write again. */
export function useMuted({ id, muted_until }: Room): void {
  const { engine } = useConversation();
  const queries = useQueryClient();
  useEffect(
    () =>
      engine.onUpdate((update) => {
        if (update.kind !== "failed" || update.pending.operation.room !== id) return;
        const { state } = update.pending;
        if (state.kind === "failed" && state.code === "muted")
          void queries.invalidateQueries({ queryKey: ["rooms"] });
      }),
    [engine, queries, id],
  );
  useEffect(() => {
    if (!muted_until) return;
    let timer: ReturnType<typeof setTimeout>;
    const ask = () => {
      const left = Math.max(0, Date.parse(muted_until) - Date.now()) + SLACK;
      timer = setTimeout(
        () => {
          void queries.invalidateQueries({ queryKey: ["rooms"] });
          ask();
        },
        Math.min(ASK_EVERY, left),
      );
    };
    ask();
    return () => clearTimeout(timer);
  }, [muted_until, queries]);
}
