import { useEffect } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t, useLanguage } from "../../app/i18n";
import { go, pathOf, useLocation } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { COMMAND } from "../../ui/keys";
import { MenuButton } from "../../ui/MenuButton";
import type { Me, Room } from "../../wire/types";
import { useInboxCount } from "../inbox/inbox";
import { watch } from "../people/people";
import { RoomAvatar } from "./RoomAvatar";
import { inOrder, useRooms, useUnread } from "./rooms";
import "./sidebar.css";

interface Props {
  readonly current: string | undefined;
  readonly me: Me;
}

/** The first column: one's rooms, and oneself. */
export function RoomList({ current, me }: Props) {
  useLanguage();
  const { rooms, isLoading } = useRooms();
  const { direct, others } = inOrder(rooms);
  const { route } = useLocation();
  const waiting = useInboxCount();
  const conversation = useConversation();
  // Those one talks to are watched: their rows show who is there.
  const partners = direct
    .flatMap(({ people = [] }) => people)
    .filter((user) => user !== me.id)
    .join(" ");
  useEffect(
    () => watch(conversation, [...new Set(partners.split(" "))].filter(Boolean)),
    [conversation, partners],
  );
  return (
    <nav className="sidebar" aria-label={t("Rooms")}>
      <header className="sidebar-head">
        <button type="button" className="sidebar-search" onClick={() => openDialog({ kind: "switcher" })}>
          <Icon name="search" size={16} /> {t("Jump to…")} <kbd>{COMMAND} K</kbd>
        </button>
        <MenuButton
          icon="add"
          label={t("Add a room")}
          entries={[
            {
              id: "create-room",
              icon: "add",
              label: t("Create a room"),
              act: () => openDialog({ kind: "create-room" }),
            },
            {
              id: "join",
              icon: "link",
              label: t("Join with a code"),
              act: () => openDialog({ kind: "join" }),
            },
            {
              id: "directory",
              icon: "hash",
              label: t("Find public rooms"),
              act: () => go({ page: "directory" }),
            },
            {
              id: "direct",
              icon: "people",
              label: t("Message people"),
              act: () => openDialog({ kind: "direct" }),
            },
          ]}
        />
      </header>
      <div className="sidebar-rooms">
        <a
          className="room-link"
          href={pathOf({ page: "inbox" })}
          data-unread={waiting > 0 || undefined}
          aria-current={route.page === "inbox" ? "page" : undefined}
          onClick={(event) => {
            event.preventDefault();
            go({ page: "inbox" });
          }}
        >
          <Icon name="bell" size={18} />
          <span className="room-name">{t("While you were away")}</span>
          {waiting > 0 && <span className="badge">{waiting}</span>}
        </a>
        {me.admin && (
          <a
            className="room-link"
            href={pathOf({ page: "admin" })}
            aria-current={route.page === "admin" ? "page" : undefined}
            onClick={(event) => {
              event.preventDefault();
              go({ page: "admin" });
            }}
          >
            <Icon name="gear" size={18} />
            <span className="room-name">{t("Administration")}</span>
          </a>
        )}
        <h2 className="sidebar-group">{t("Rooms")}</h2>
        {isLoading && <div className="skeleton sidebar-skeleton" />}
        <ul>
          {others.map((room) => (
            <RoomLink key={room.id} room={room} isCurrent={room.id === current} />
          ))}
        </ul>
        {!isLoading && others.length === 0 && (
          <p className="sidebar-hint">{t("No rooms yet. Create one, or find a public one.")}</p>
        )}
        <h2 className="sidebar-group">{t("Direct messages")}</h2>
        <ul>
          {direct.map((room) => (
            <RoomLink key={room.id} room={room} isCurrent={room.id === current} />
          ))}
        </ul>
        {direct.length === 0 && <p className="sidebar-hint">{t("Nobody yet.")}</p>}
      </div>
      <footer className="sidebar-me">
        <button type="button" className="person" onClick={() => openDialog({ kind: "settings" })}>
          <Avatar id={me.id} name={me.display_name} picture={me.avatar} status="online" />
          <span className="person-line">
            <span className="person-name" dir="auto">
              {me.display_name}
            </span>
            <span className="person-doing" dir="auto">
              {me.status_text || `@${me.username}`}
            </span>
          </span>
        </button>
        <IconButton icon="gear" label={t("Settings")} onPress={() => openDialog({ kind: "settings" })} />
      </footer>
    </nav>
  );
}

function RoomLink({ room, isCurrent }: { readonly room: Room; readonly isCurrent: boolean }) {
  const { messages, mentions } = useUnread(room);
  const direct = room.kind === "direct" || room.kind === "group";
  const quiet = room.notify === "nothing";
  const count = direct ? messages : mentions;
  return (
    <li>
      <a
        className="room-link"
        href={pathOf({ page: "room", room: room.id, seq: undefined })}
        aria-current={isCurrent ? "page" : undefined}
        data-unread={(messages > 0 && !quiet) || undefined}
        data-quiet={quiet || undefined}
        onClick={(event) => {
          event.preventDefault();
          go({ page: "room", room: room.id, seq: undefined });
        }}
      >
        {direct ? (
          <RoomAvatar room={room} size="small" />
        ) : (
          <Icon name={room.kind === "private" ? "lock" : "hash"} size={18} />
        )}
        <span className="room-name" dir="auto">
          {room.name}
        </span>
        {messages > 0 && (
          <span className="visually-hidden">
            {t(", {count, plural, one {# unread} other {# unread}}", { count: messages })}
          </span>
        )}
        {count > 0 && !quiet && (
          <span className="badge" aria-hidden="true">
            {count > 999 ? "999+" : count}
          </span>
        )}
      </a>
    </li>
  );
}
