import { t } from "../../app/i18n";
import { PagedSearch, usePagedSearch } from "../../ui/PagedSearch";
import type { AdminRoomList } from "../../wire/types";
import { api } from "../session/session";
import { AdminRoomRow } from "./AdminRoomRow";

/** Every room of the site, which an administrator may destroy without being in it. */
export function AllRooms() {
  const search = usePagedSearch({
    queryKey: ["directory", "admin"],
    ask: (q, after) => api.ask<AdminRoomList>("admin/rooms", { query: { q, limit: 50, after } }),
    staleTime: 0,
  });
  const rooms = search.pages.flatMap((page) => page.rooms);
  return (
    <PagedSearch
      search={search}
      label={t("Find a room")}
      isEmpty={rooms.length === 0}
      none={
        <p className="field-hint">{search.q ? t("No room is called that") : t("There are no rooms yet.")}</p>
      }
    >
      <ul className="accounts">
        {rooms.map((room) => (
          <AdminRoomRow key={room.id} room={room} />
        ))}
      </ul>
    </PagedSearch>
  );
}
