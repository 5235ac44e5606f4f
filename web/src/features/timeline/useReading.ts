import { useEffect, useRef } from "react";
import { useConversation } from "../../app/conversation";
import type { Row } from "./rows";
import { useAttention } from "./useAttention";

/** How long a message must be in view before it counts as read, in milliseconds. */
const DWELL = 1_000;

interface Reading {
  readonly room: string;
  readonly rows: readonly Row[];
  /** The first and the last row that can be seen; nothing until the reader has landed. */
  readonly view: { readonly startIndex: number; readonly endIndex: number } | undefined;
  readonly atEnd: boolean;
}

/**
 * Marks what a person has really read: the room is open, the tab visible, the window focused, and
 * the message has been in view for a second. Whatever arrives is marked as delivered at once.
 */
export function useReading({ room, rows, view, atEnd }: Reading): void {
  const conversation = useConversation();
  const attentive = useAttention();
  const delivered = useRef(0);
  const head = conversation.engine.room(room)?.position.seq ?? 0;
  const reached = view ? (atEnd ? head : lastIn(rows, view)) : 0;

  // After every drawing: what counts is what was told, not what has changed since the last one.
  useEffect(() => {
    if (head <= delivered.current) return;
    delivered.current = head;
    conversation.engine.reached(room, { delivered: head });
  });

  const dwelling = useRef<{ upto: number; timer: ReturnType<typeof setTimeout> }>(undefined);
  useEffect(() => {
    const upto = attentive ? reached : 0;
    if (dwelling.current?.upto === upto) return;
    clearTimeout(dwelling.current?.timer);
    dwelling.current = undefined;
    if (upto === 0) return;
    const standing = conversation.engine.room(room)?.standing;
    if (standing && standing.unreadFrom === undefined && standing.read >= upto) return;
    const timer = setTimeout(() => conversation.engine.reached(room, { read: upto }), DWELL);
    dwelling.current = { upto, timer };
  });
  useEffect(() => () => clearTimeout(dwelling.current?.timer), []);
}

/** The last message among the rows that can be seen. */
function lastIn(rows: readonly Row[], { startIndex, endIndex }: NonNullable<Reading["view"]>): number {
  return rows.slice(startIndex, endIndex + 1).reduce((last, row) => {
    const isPlaced = row.kind === "message" && row.message.seq < Number.MAX_SAFE_INTEGER;
    return isPlaced ? Math.max(last, row.message.seq) : last;
  }, 0);
}
