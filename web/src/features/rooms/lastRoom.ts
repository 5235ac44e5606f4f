const NAME = "hubbub.last-room";

/** Notes the room that is open: the next visit begins there. */
export function keepLastRoom(room: string): void {
  localStorage.setItem(NAME, room);
}

/** The room that was open last on this device. */
export function lastRoom(): string | undefined {
  return localStorage.getItem(NAME) ?? undefined;
}
