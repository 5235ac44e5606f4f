import { useCallback, useMemo, useState } from "react";
import { usePage, useVisit } from "../../app/router";
import type { Room as Log } from "../../log/room";
import { anchorOf, anchorOn } from "./anchors";
import type { Row } from "./rows";
import type { NewAfter } from "./useNewAfter";

/** Where the reader of a room is to be brought. */
export interface Destination {
  /** Another one for each time that somebody is to be brought somewhere. */
  readonly place: string;
  /** What they want to see: what they look for, what they have not read, or what they saw last. */
  readonly to: "target" | "unread" | "anchor";
  /** The message, as far as that is known; else the end of the room. */
  readonly seq: number | undefined;
  /** How far below the top of the view it is to begin, in pixels. */
  readonly offset: number;
}

interface Visit {
  readonly room: string;
  readonly log: Log | undefined;
  readonly rows: readonly Row[];
  /** A message that was asked for: a link, a quote, a hit of the search. */
  readonly target: number | undefined;
  /** After which seq everything is new to the reader. */
  readonly newAfter: NewAfter;
}

/**
 * What the reader of a room wants to see first: what they look for, else the first unread message, else
 * what they saw last, else the end. Who has been on this page before comes back to where they were on it,
 * whatever they looked for then. Once they are there it does not change any more.
 */
export function useDestination({ room, log, rows, target, newAfter }: Visit) {
  const page = usePage();
  const visit = useVisit();
  const place = target === undefined ? `${room}/rest` : `${room}/${target}/${visit}`;
  const [landed, land] = useState<Destination>();
  const [settled, setSettled] = useState<Destination>();
  // As it was when they came: what they see from here on is kept as well.
  const { isBack, anchor } = useMemo(() => {
    const before = anchorOn(room, page);
    return { isBack: before !== undefined, anchor: before ? before.anchor : anchorOf(room) };
    // Another page of the same place, such as one with a panel, leads nowhere.
  }, [place]);
  const isThere = landed?.place === place;

  const find = (): Destination => {
    const head = log?.head.seq ?? 0;
    if (target !== undefined && !isBack) return { place, to: "target", seq: target, offset: 0 };
    const isUnread = newAfter !== "unknown" && newAfter !== undefined && newAfter < head;
    // Who has read nothing at all may have said all of it.
    if (target === undefined && isUnread && (newAfter > 0 || rows.some(({ kind }) => kind === "new"))) {
      return { place, to: "unread", seq: newAfter > 0 ? newAfter + 1 : undefined, offset: 0 };
    }
    return { place, to: "anchor", seq: anchor?.seq, offset: anchor?.offset ?? 0 };
  };
  const destination = isThere ? landed : find();
  return {
    destination,
    land,
    /** Whether the reader is where they are to be brought. */
    isThere,
    /** Whether they have been brought anywhere yet. */
    hasLanded: landed !== undefined,
    /** How far below the top a row is to begin that is scrolled to now, in pixels. */
    inset: isThere && settled === landed ? 0 : destination.offset,
    /** From now on nothing is known of where they came in. */
    settle: useCallback(() => setSettled(landed), [landed]),
  };
}
