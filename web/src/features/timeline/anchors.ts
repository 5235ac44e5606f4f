const NAME = "hubbub.anchors";
/** Rooms whose place is kept; the one left longest ago goes first. */
const KEPT = 50;

function read(): [string, number][] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? (kept as [string, number][]) : [];
  } catch {
    return [];
  }
}

/** Keeps the first message in view, by its seq; nothing, at the end. It survives a reload of the tab. */
export function keepAnchor(room: string, seq: number | undefined): void {
  const others = read().filter(([id]) => id !== room);
  const all = seq === undefined ? others : [...others, [room, seq]];
  sessionStorage.setItem(NAME, JSON.stringify(all.slice(-KEPT)));
}

/** The message at which the reader of a room was, unless that was its end. */
export function anchorOf(room: string): number | undefined {
  return new Map(read()).get(room);
}
