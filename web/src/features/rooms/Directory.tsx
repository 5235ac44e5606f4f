import { useMutation, useQueryClient } from "@tanstack/react-query";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go, leaveFor } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { PagedSearch, usePagedSearch } from "../../ui/PagedSearch";
import { toast } from "../../ui/Toasts";
import type { Room, RoomList } from "../../wire/types";
import { api } from "../session/session";
import { refusal } from "./refusal";
import { remember } from "./rooms";

/** Public rooms, to look for and to join. */
export function Directory() {
  const queries = useQueryClient();
  const search = usePagedSearch({
    queryKey: ["directory"],
    ask: (q, after) => api.ask<RoomList>("rooms", { query: { public: true, q, after } }),
  });
  const join = useMutation({
    mutationFn: (room: Room) => api.ask<Room>("rooms/join", { method: "POST", body: { code: room.id } }),
    onSuccess: (room) => {
      remember(queries, room);
      go({ page: "room", room: room.id, seq: undefined });
    },
    onError: (error) => toast(refusal(error)),
  });
  const rooms = search.pages.flatMap((page) => page.rooms);
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
        <PagedSearch
          search={search}
          label={t("Search rooms")}
          isEmpty={rooms.length === 0}
          none={
            <div className="empty">
              <h2>{search.q ? t("No room is called that") : t("There are no public rooms yet")}</h2>
              <Button kind="primary" onPress={() => openDialog({ kind: "create-room" })}>
                {t("Create one")}
              </Button>
            </div>
          }
        >
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
        </PagedSearch>
      </div>
    </section>
  );
}
