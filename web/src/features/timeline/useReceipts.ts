import { useEffect, useMemo, useState } from "react";
import { useConversation } from "../../app/conversation";
import type { Room as Log } from "../../log/room";
import type { Room, SeenBy } from "../../wire/types";
import { api } from "../session/session";
import { type Reach, type Receipts, reachOf, receiptsOf } from "./receipts";

/** One's own messages that are looked at, the newest. */
const LOOKED_AT = 40;

/**
 * How far the others have come. Marks tell it while they move; what moved before this device came, or
 * while it had no connection, is asked for once.
 */
export function useReceipts(room: Room, log: Log | undefined, online: boolean): Receipts {
  const { engine, user } = useConversation();
  const [asked, set] = useState<Reach>({ read: 0, delivered: 0 });
  const isTold = room.members > 1 && room.members <= (engine.limits?.receipt_members ?? 0);
  const isLoaded = log !== undefined && log.timeline.messages().length > 0;

  useEffect(() => {
    if (!online || !isTold || !isLoaded || !log) return;
    let current = true;
    const unstored = new Set(engine.pending().map(({ operation }) => operation.id));
    const own = log.timeline
      .messages()
      .filter(({ id, sender, deleted_at }) => sender === user && !deleted_at && !unstored.has(id))
      .slice(-LOOKED_AT);
    reachOf(own, (id) => api.ask<SeenBy>(`rooms/${room.id}/messages/${id}/seen`))
      .then((reach) => current && set(reach))
      // What it would tell is only shown: marks will tell it when something moves.
      .catch(() => undefined);
    return () => {
      current = false;
    };
    // Once for each coming: what is said from then on is followed by marks.
  }, [online, isTold, isLoaded, room.id]);

  const others = [...(log?.marks.values() ?? [])].filter((mark) => mark.user !== user);
  // The same object for as long as it says the same: rows are made of it.
  const told = JSON.stringify(receiptsOf(asked, others));
  return useMemo(() => JSON.parse(told) as Receipts, [told]);
}
