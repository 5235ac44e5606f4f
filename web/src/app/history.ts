import { uuid7 } from "../log/uuid";

/**
 * Pages and what lies over them, in the browser's history. Each dialog, menu and picture that is open
 * has an entry of its own above its page's, so that the back button closes whatever is on top. What is
 * closed by other means leaves its entry for the next that opens, or for the next page; whoever goes
 * back from a page is led past entries that are left over.
 */

/** What an entry of the history knows about itself. */
interface Entry {
  /** Which page it belongs to. */
  readonly page?: string;
  /** With which page the person went where it leads; absent: with this one. */
  readonly visit?: string;
  /** The address that was shown before, if a person of this client came from there. */
  readonly before?: string;
  /** How many layers may lie over the page. */
  readonly layers?: number;
}

interface Layer {
  readonly close: () => void;
}

/** How long the browser may take to go where it is sent, in milliseconds. At an end it does not go. */
const PATIENCE = 500;

/** What is open, the topmost last. */
const open: Layer[] = [];
/** What waits until the browser has gone where it was sent. */
const waiting: (() => void)[] = [];
const listeners = new Set<() => void>();
let travelling: ReturnType<typeof setTimeout> | undefined;
let settling = false;
/** Where the browser stands, as far as it was looked at. */
let here = entry();
if (here.page === undefined) {
  write({ ...here, page: uuid7() }, location.pathname + location.search + location.hash, true);
}

function entry(): Entry {
  return (history.state as Entry | null) ?? {};
}

function depth({ layers = 0 }: Entry = here): number {
  return layers;
}

function write(next: Entry, path: string, replaces: boolean): void {
  if (replaces) history.replaceState(next, "", path);
  else history.pushState(next, "", path);
  here = next;
}

/** Which page is shown: it is the same one after a reload, and when the person comes back to it. */
export function pageId(): string {
  return here.page ?? "";
}

/** Another one each time that the person goes somewhere, be it where they are; panels do not change it. */
export function visitId(): string {
  return here.visit ?? pageId();
}

/** Calls back whenever the address may be another one. */
export function onAddress(callback: () => void): () => void {
  listeners.add(callback);
  return () => listeners.delete(callback);
}

function changed(): void {
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", () => {
  const before = here;
  here = entry();
  if (travelling !== undefined || !follow(before)) arrive();
});

/** The person went somewhere by the browser's own buttons. Says whether the way goes on from here. */
function follow(before: Entry): boolean {
  if (here.page !== before.page) {
    while (open.length > 0) open.pop()?.close();
    return false;
  }
  if (depth() >= depth(before)) return false;
  // One step back is one thing closed, or the page left: entries of what is closed already do not count.
  const top = open.pop();
  const beyond = top ? open.length - depth() : -1 - depth();
  top?.close();
  if (beyond < 0) travel(beyond);
  return beyond < 0;
}

function arrive(): void {
  clearTimeout(travelling);
  travelling = undefined;
  here = entry();
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    next();
    if (travelling !== undefined) return;
  }
  changed();
  settle();
}

function travel(by: number): void {
  travelling = setTimeout(arrive, PATIENCE);
  history.go(by);
}

/** Does something as soon as the browser stands still. */
function whenStill(act: () => void): void {
  if (travelling !== undefined) waiting.push(act);
  else act();
}

/** How somebody goes to a page. */
export interface Manner {
  /** Leaves no way back to this page. */
  readonly replaces?: boolean;
  /** The person stays where they are: something beside it is opened or closed. */
  readonly stays?: boolean;
}

/** Goes to a page. Who goes to the one they are on comes there anew, which adds no entry. */
export function goTo(path: string, manner: Manner = {}): void {
  const { replaces = false, stays = false } = manner;
  whenStill(() => {
    // One entry of a layer becomes the page's; what there is beyond goes first.
    const spare = replaces ? depth() : depth() - 1;
    if (spare > 0) {
      waiting.unshift(() => goTo(path, manner));
      travel(-spare);
      return;
    }
    const shown = location.pathname + location.search;
    const visit = stays ? { visit: visitId() } : {};
    if (path === shown) {
      if (!replaces && !stays) write({ page: uuid7() }, path, true);
    } else if (replaces) write({ ...here, ...visit, page: uuid7() }, path, true);
    else write({ page: uuid7(), before: shown, ...visit }, path, depth() > 0);
    changed();
    settle();
  });
}

/** Goes up to a page: back, if the person came from there, so that the history does not grow. */
export function returnTo(path: string, manner: Manner = {}): void {
  whenStill(() => {
    if (here.before === path) travel(-1 - depth());
    else goTo(path, manner);
  });
}

/** Lays something over the page, until the returned function is called. The back button calls `close`. */
export function lay(close: () => void): () => void {
  const layer = { close };
  open.push(layer);
  settle();
  return () => {
    const at = open.indexOf(layer);
    if (at >= 0) open.splice(at, 1);
  };
}

/** Gives each layer its entry, in a moment: a layer is often followed by another, or by a page. */
function settle(): void {
  if (settling) return;
  settling = true;
  setTimeout(() => {
    settling = false;
    whenStill(() => {
      while (depth() < open.length) {
        write({ ...here, layers: depth() + 1 }, location.pathname + location.search + location.hash, false);
      }
    });
  });
}
