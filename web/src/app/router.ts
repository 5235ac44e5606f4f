import { useSyncExternalStore } from "react";
import { goTo, onAddress, pageId, returnTo, visitId } from "./history";

/** What the main column shows. */
export type Route =
  | { page: "home" }
  | { page: "room"; room: string; seq: number | undefined }
  | { page: "directory" }
  | { page: "inbox" }
  | { page: "admin" }
  /** An invite link: a room's code. */
  | { page: "invite"; code: string };

/** What is open beside the main column. It is part of the address, so the back button closes it. */
export type Panel = "people" | "details" | "search" | undefined;

const PANELS: readonly string[] = ["people", "details", "search"];

/** Reads an address. */
export function parse(url: URL): { route: Route; panel: Panel } {
  const [first, second, third] = url.pathname.split("/").filter(Boolean);
  const panel = PANELS.find((name) => name === url.searchParams.get("panel")) as Panel;
  if (first === "rooms" && second) {
    const seq = third === undefined ? undefined : Number.parseInt(third, 10);
    return { route: { page: "room", room: second, seq: seq || undefined }, panel };
  }
  if (first === "directory") return { route: { page: "directory" }, panel };
  if (first === "admin") return { route: { page: "admin" }, panel };
  if (first === "inbox") return { route: { page: "inbox" }, panel };
  if ((first === "join" || first === "invite") && second)
    return { route: { page: "invite", code: second }, panel };
  return { route: { page: "home" }, panel };
}

/** The address of a route. */
export function pathOf(route: Route, panel?: Panel): string {
  const query = panel ? `?panel=${panel}` : "";
  switch (route.page) {
    case "home":
      return `/${query}`;
    case "room":
      return `/rooms/${route.room}${route.seq === undefined ? "" : `/${route.seq}`}${query}`;
    case "invite":
      return `/join/${route.code}`;
    default:
      return `/${route.page}${query}`;
  }
}

/** Goes somewhere. `replace` leaves no way back. */
export function go(route: Route, panel?: Panel, replace = false): void {
  goTo(pathOf(route, panel), { replaces: replace });
}

/** Goes up, from a room to the rooms: back, if that is where the person came from. */
export function leaveFor(route: Route): void {
  returnTo(pathOf(route));
}

/** Opens or closes the panel beside the main column. Another panel takes the place of one that is open. */
export function show(panel: Panel): void {
  const here = parse(new URL(location.href));
  if (panel) goTo(pathOf(here.route, panel), { replaces: here.panel !== undefined, stays: true });
  else returnTo(pathOf(here.route), { stays: true });
}

/** Where the person is. */
export function useLocation(): { route: Route; panel: Panel } {
  const href = useSyncExternalStore(onAddress, () => location.href);
  return parse(new URL(href));
}

/** Which page of the browser's history the person is on. */
export function usePage(): string {
  return useSyncExternalStore(onAddress, pageId);
}

/** Which time it is that the person has gone somewhere: another one, also where they go where they are. */
export function useVisit(): string {
  return useSyncExternalStore(onAddress, visitId);
}
