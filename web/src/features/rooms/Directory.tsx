import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go, leaveFor } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { toast } from "../../ui/Toasts";
import { useDebounced } from "../../ui/useDebounced";
import type { Room, RoomList } from "../../wire/types";
import { api } from "../session/session";
import { refusal } from "./refusal";
import { remember } from "./rooms";

/** Public rooms, to look for and to join. */
export function Directory() {
  const [query, setQuery] = useState("");
  const q = useDebounced(query.trim());
  const queries = useQueryClient();
  const pages = useInfiniteQuery({
    queryKey: ["directory", q],
    queryFn: ({ pageParam }) => api.ask<RoomList>("rooms", { query: { public: true, q, after: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
  });
  const join = useMutation({
    mutationFn: (room: Room) => api.ask<Room>("rooms/join", { method: "POST", body: { code: room.id } }),
    onSuccess: (room) => {
      remember(queries, room);
      go({ page: "room", room: room.id, seq: undefined });
    },
    onError: (error) => toast(refusal(error)),
  });
  const rooms = pages.data?.pages.flatMap((page) => page.rooms) ?? [];
  return (
    <section className="page">
      <header className="room-head">
        <span className="only-phone">
          <IconButton icon="back" label={t("Back to the rooms")} onPress={() => leaveFor({ page: "home" })} />
        </span>
        <h1>{t("Public rooms")}</h1>
        <span className="spacer" />
        <Button kind="primary" onPress={() => openDialog({ kind: "create-room" })}>
          {t("Create a room")}
        </Button>
      </header>
      <div className="page-body">
        <input
          className="input"
          type="search"
          placeholder={t("Search rooms")}
          aria-label={t("Search rooms")}
          value={query}
          onChange={({ currentTarget }) => setQuery(currentTarget.value)}
        />
        <ul className="cards">
          {rooms.map((room) => (
            <li key={room.id} className="card">
              <Avatar id={room.id} name={room.name} picture={room.icon} square />
              <div className="card-text">
                <h2 dir="auto">{room.name}</h2>
                <p dir="auto">{room.description || room.topic}</p>
                <p className="field-hint">
                  {t("{members, plural, one {# member} other {# members}}", { members: room.members })}
                </p>
              </div>
              {room.role ? (
                <Button onPress={() => go({ page: "room", room: room.id, seq: undefined })}>
                  {t("Open")}
                </Button>
              ) : (
                <Button kind="primary" isDisabled={join.isPending} onPress={() => join.mutate(room)}>
                  {t("Join")}
                </Button>
              )}
            </li>
          ))}
        </ul>
        {!pages.isLoading && rooms.length === 0 && (
          <div className="empty">
            <h2>{q ? t("No room is called that") : t("There are no public rooms yet")}</h2>
            <Button kind="primary" onPress={() => openDialog({ kind: "create-room" })}>
              {t("Create one")}
            </Button>
          </div>
        )}
        {pages.hasNextPage && <Button onPress={() => void pages.fetchNextPage()}>{t("Show more")}</Button>}
      </div>
    </section>
  );
}
