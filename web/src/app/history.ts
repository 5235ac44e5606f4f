/**
 * Pages and what lies over them, in the browser's history. Each dialog, menu and picture that is open
 * has an entry of its own above its page's, so that the back button closes whatever is on top. An entry
 * whose layer was closed by other means is taken back, or becomes the next page's.
 */

/** What an entry of the history knows about itself. */
interface Entry {
  /** The page that was shown before, if a person of this page came from there. */
  readonly before?: string;
  /** How many layers lie over the page. */
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

function entry(): Entry {
  return (history.state as Entry | null) ?? {};
}

/** How many entries of layers lie over the page's own. */
function depth(): number {
  return entry().layers ?? 0;
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
  if (travelling === undefined) closeDownTo(depth());
  arrive();
});

/** The back button was pressed: what lay above closes. */
function closeDownTo(layers: number): void {
  while (open.length > layers) open.pop()?.close();
}

function arrive(): void {
  clearTimeout(travelling);
  travelling = undefined;
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

/** Goes to another page. `replace` leaves no way back to this one. */
export function goTo(path: string, replace = false): void {
  whenStill(() => {
    // One entry of a layer becomes the page's; what there is beyond goes first.
    const spare = replace ? depth() : depth() - 1;
    if (spare > 0) {
      waiting.unshift(() => goTo(path, replace));
      travel(-spare);
      return;
    }
    const before = location.pathname + location.search;
    if (path === before) {
      settle();
      return;
    }
    if (replace) history.replaceState(entry(), "", path);
    else if (depth() > 0) history.replaceState({ before }, "", path);
    else history.pushState({ before }, "", path);
    changed();
    settle();
  });
}

/** Goes up to a page: back, if the person came from there, so that the history does not grow. */
export function returnTo(path: string): void {
  whenStill(() => {
    if (entry().before === path && depth() === 0) travel(-1);
    else goTo(path);
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
    settle();
  };
}

/** Gives each layer its entry, in a moment: a layer is often followed by another, or by a page. */
function settle(): void {
  if (settling) return;
  settling = true;
  setTimeout(() => {
    settling = false;
    whenStill(() => {
      const missing = open.length - depth();
      if (missing < 0) travel(missing);
      for (let more = 0; more < missing; more += 1) {
        history.pushState({ ...entry(), layers: depth() + 1 }, "");
      }
    });
  });
}

// A page that is loaded anew has nothing open; an entry that was a layer's is left.
settle();
