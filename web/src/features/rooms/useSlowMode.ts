import { useEffect, useState } from "react";
import { useConversation, usePending, useRoomLog } from "../../app/conversation";
import { useCountdown } from "../../ui/useCountdown";
import type { Room } from "../../wire/types";

/** Where a person stands in a room's slow mode. */
export interface SlowMode {
  /** Seconds until the next message may go out. */
  readonly wait: number;
  /** Whether one waits for that already. */
  readonly isWaiting: boolean;
}

/** How long slow mode keeps this person from saying the next thing; nothing where it does not. */
export function useSlowMode(room: Room): SlowMode | undefined {
  const { engine, user } = useConversation();
  const { room: log } = useRoomLog(room.id);
  const pending = usePending(room.id);
  const [until, wait] = useState(0);
  const { id, slow_mode_ms: pause } = room;
  const isSlow = pause > 0 && room.role === "member";

  // What was said before this room was opened, by the server's clock: a guess until it is told better.
  useEffect(() => {
    if (!isSlow || !log) return;
    const last = log.timeline.messages().findLast(({ sender }) => sender === user);
    const left = last ? Date.parse(last.at) + pause - Date.now() : 0;
    wait((known) => known || performance.now() + Math.max(0, Math.min(pause, left)));
  }, [isSlow, log, user, pause]);

  useEffect(() => {
    const began = engine.onUpdate((update) => {
      const isOwn = update.kind === "said" && update.message.room === id && update.message.sender === user;
      if (isOwn) wait(performance.now() + pause);
    });
    const refused = engine.onFrame((frame) => {
      if (frame.type !== "error" || frame.code !== "slow_mode" || !frame.retry_after_ms) return;
      const isHere = engine
        .pending()
        .some(({ operation }) => operation.id === frame.id && operation.room === id);
      if (isHere) wait(performance.now() + frame.retry_after_ms);
    });
    return () => {
      began();
      refused();
    };
  }, [engine, user, id, pause]);

  const left = useCountdown(until);
  if (!isSlow) return undefined;
  const isWaiting = pending.some(
    ({ operation, state }) => operation.type === "send" && state.kind === "sending",
  );
  return { wait: left, isWaiting };
}
