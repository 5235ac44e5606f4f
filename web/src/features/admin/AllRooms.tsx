import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { t } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { useDebounced } from "../../ui/useDebounced";
import type { AdminRoomList } from "../../wire/types";
import { api } from "../session/session";
import { AdminRoomRow } from "./AdminRoomRow";

/** Every room of the site, which an administrator may destroy without being in it. */
export function AllRooms() {
  const [query, setQuery] = useState("");
  const q = useDebounced(query.trim());
  const pages = useInfiniteQuery({
    queryKey: ["directory", "admin", q],
    queryFn: ({ pageParam }) =>
      api.ask<AdminRoomList>("admin/rooms", { query: { q, limit: 50, after: pageParam } }),
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
          <AdminRoomRow key={room.id} room={room} />
        ))}
      </ul>
      {pages.isSuccess && rooms.length === 0 && (
        <p className="field-hint">{q ? t("No room is called that") : t("There are no rooms yet.")}</p>
      )}
      {pages.hasNextPage && (
        <Button isDisabled={pages.isFetchingNextPage} onPress={() => void pages.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </>
  );
}
