import { useEffect, useMemo } from "react";
import { useConversation } from "../../app/conversation";
import type { Room } from "../../wire/types";
import { useMe } from "../session/session";

/** How often it is told that somebody is still typing, in milliseconds. */
const EVERY = 3_000;

/** Tells others that this person is typing: at most every three seconds, and when they stop. */
export function useTyping(room: Room): { tick: () => void; stop: () => void } {
  const conversation = useConversation();
  const { send_typing } = useMe();
  const small = room.members <= (conversation.engine.limits?.typing_members ?? 100);
  const typing = useMemo(() => {
    let told = Number.NEGATIVE_INFINITY;
    const tell = (on: boolean) => conversation.engine.volatile({ type: "typing", room: room.id, on });
    return {
      tick: () => {
        if (!send_typing || !small || performance.now() - told < EVERY) return;
        told = performance.now();
        tell(true);
      },
      stop: () => {
        if (told > 0 && performance.now() - told < 2 * EVERY) tell(false);
        told = Number.NEGATIVE_INFINITY;
      },
    };
  }, [conversation, room.id, send_typing, small]);
  useEffect(() => typing.stop, [typing]);
  return typing;
}
