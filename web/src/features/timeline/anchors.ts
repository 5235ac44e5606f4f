const NAME = "hubbub.anchors";
/** Places that are kept; the one left longest ago goes first. */
const KEPT = 100;

/** A place in a room: a message, and how far below the top of the view it begins, in pixels. */
export interface Anchor {
  readonly seq: number;
  readonly offset: number;
}

interface Kept {
  readonly room: string;
  /** The page of the browser's history on which the reader was there. */
  readonly page: string;
  /** Nothing: the end of the room. */
  readonly anchor?: Anchor | undefined;
}

function read(): Kept[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? "[]");
    // Older versions kept pairs of a room and a seq.
    return Array.isArray(kept) ? (kept as Kept[]).filter(({ page }) => page !== undefined) : [];
  } catch {
    return [];
  }
}

/** Keeps where the reader of a room is; nothing, at its end. It survives a reload of the tab. */
export function keepAnchor(room: string, page: string, anchor: Anchor | undefined): void {
  const others = read().filter((kept) => kept.page !== page || kept.room !== room);
  sessionStorage.setItem(NAME, JSON.stringify([...others, { room, page, anchor }].slice(-KEPT)));
}

/** Where the reader of a room was last. */
export function anchorOf(room: string): Anchor | undefined {
  return read().findLast((kept) => kept.room === room)?.anchor;
}

/** Where the reader of a room was on a page, if they have been on it. An anchor of nothing is the end. */
export function anchorOn(room: string, page: string): { readonly anchor?: Anchor | undefined } | undefined {
  return read().findLast((kept) => kept.room === room && kept.page === page);
}
