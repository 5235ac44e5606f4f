import { t } from "../../app/i18n";
import type { Room } from "../../wire/types";

/** Why nothing can be said in a room, if that is so. */
export function whyClosed(room: Room, locale: string): string | undefined {
  if (room.archived) return t("This room is archived: it can be read, but nothing can be added.");
  if (room.muted_until && Date.parse(room.muted_until) > Date.now()) {
    const until = new Date(room.muted_until).toLocaleString(locale);
    return t("You can’t write here until {until}.", { until });
  }
  return undefined;
}
