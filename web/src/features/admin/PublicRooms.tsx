import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { useDebounced } from "../../ui/useDebounced";
import type { RoomList } from "../../wire/types";
import { api } from "../session/session";

/** Public rooms, which a site administrator may destroy without being in them. */
export function PublicRooms() {
  const [query, setQuery] = useState("");
  const q = useDebounced(query.trim());
  const pages = useInfiniteQuery({
    queryKey: ["directory", "admin", q],
    queryFn: ({ pageParam }) => api.ask<RoomList>("rooms", { query: { public: true, q, after: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
  const rooms = pages.data?.pages.flatMap((page) => page.rooms) ?? [];
  return (
    <>
      <input
        className="input"
        type="search"
        placeholder={t("Find a room")}
        aria-label={t("Find a room")}
        value={query}
        onChange={({ currentTarget }) => setQuery(currentTarget.value)}
      />
      <ul className="accounts">
        {rooms.map((room) => (
          <li key={room.id} className="account">
            <Avatar id={room.id} name={room.name} picture={room.icon} square />
            <span className="person-line">
              <span className="person-name" dir="auto">
                {room.name}
              </span>
              <span className="person-doing" dir="auto">
                {t("{members, plural, one {# member} other {# members}}", { members: room.members })}
                {room.description && ` · ${room.description}`}
              </span>
            </span>
            <Button onPress={() => openDialog({ kind: "destroy", room: room.id, name: room.name })}>
              {t("Destroy…")}
            </Button>
          </li>
        ))}
      </ul>
      {pages.isSuccess && rooms.length === 0 && (
        <p className="field-hint">{t("No public room is called that.")}</p>
      )}
      {pages.hasNextPage && <Button onPress={() => void pages.fetchNextPage()}>{t("Show more")}</Button>}
    </>
  );
}
