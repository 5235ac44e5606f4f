import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { openDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { go, show } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { Icon } from "../../ui/Icon";
import { toast } from "../../ui/Toasts";
import type { NotifyLevel, Room } from "../../wire/types";
import { PersonLine } from "../people/PersonLine";
import { usePerson } from "../people/people";
import { api, useMe } from "../session/session";
import { AuditList } from "./AuditList";
import { BanList } from "./BanList";
import { InviteButton } from "./InviteButton";
import { RoomAvatar } from "./RoomAvatar";
import { duration, RoomEditor } from "./RoomEditor";
import { remember, useRoom } from "./rooms";
import "./details.css";

/** What a room is, how it reaches one, and, for those who may, how to change it. */
export default function DetailsPanel({ id }: { readonly id: string }) {
  const room = useRoom(id);
  const [isEditing, edit] = useState(false);
  if (!room) return null;
  const direct = room.kind === "direct" || room.kind === "group";
  const moderates = !direct && (room.role === "owner" || room.role === "moderator");
  return (
    <>
      <header className="panel-head">
        <h2>{direct ? t("Conversation") : t("Room")}</h2>
        <IconButton icon="close" label={t("Close")} onPress={() => show(undefined)} />
      </header>
      <div className="panel-body">
        {isEditing ? (
          <RoomEditor room={room} onDone={() => edit(false)} />
        ) : (
          <About room={room} direct={direct} onEdit={moderates ? () => edit(true) : undefined} />
        )}
        {direct && <People room={room} />}
        <Notify room={room} />
        {moderates && (
          <>
            <BanList room={room.id} />
            <details className="more details-part">
              <summary>{t("What was done here")}</summary>
              <AuditList path={`rooms/${room.id}/audit`} />
            </details>
          </>
        )}
        <Leaving room={room} direct={direct} />
      </div>
    </>
  );
}

interface AboutProps {
  readonly room: Room;
  readonly direct: boolean;
  readonly onEdit: (() => void) | undefined;
}

function About({ room, direct, onEdit }: AboutProps) {
  const locale = useLocale();
  const rules = [
    room.kind === "public" && t("Anybody may join"),
    room.kind === "private" && t("By invitation"),
    room.slow_mode_ms > 0 && t("Slow mode: {pause}", { pause: duration(room.slow_mode_ms / 1_000) }),
    room.links !== "member" && t("Links by moderators only"),
    room.archived && t("Archived"),
  ].filter((rule): rule is string => typeof rule === "string");
  return (
    <section className="details">
      <RoomAvatar room={room} size="large" />
      <h3 dir="auto">{room.name}</h3>
      {room.topic && <p dir="auto">{room.topic}</p>}
      {room.description && (
        <p className="field-hint" dir="auto">
          {room.description}
        </p>
      )}
      {!direct && (
        <>
          <p className="field-hint">
            {[
              ...rules,
              t("since {date}", { date: new Date(room.created_at).toLocaleDateString(locale) }),
            ].join(" · ")}
          </p>
          <div className="details-actions">
            <InviteButton room={room} />
            {onEdit && (
              <Button onPress={onEdit}>
                <Icon name="edit" size={16} /> {t("Change")}
              </Button>
            )}
          </div>
        </>
      )}
    </section>
  );
}

/** The others of a direct conversation. */
function People({ room }: { readonly room: Room }) {
  const me = useMe();
  const others = (room.people ?? []).filter((user) => user !== me.id);
  return (
    <ul className="details-people">
      {others.map((user) => (
        <Person key={user} id={user} />
      ))}
    </ul>
  );
}

function Person({ id }: { readonly id: string }) {
  const user = usePerson(id);
  if (!user) return null;
  return (
    <li>
      <button type="button" className="person" onClick={() => openDialog({ kind: "person", user: id })}>
        <Avatar id={id} name={user.display_name} picture={user.avatar} status={user.status} />
        <PersonLine user={user} />
      </button>
    </li>
  );
}

function Notify({ room }: { readonly room: Room }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (notify: NotifyLevel) =>
      api.ask(`rooms/${room.id}/notify`, { method: "PUT", body: { notify } }),
    onMutate: (notify) => remember(queries, { ...room, notify }),
    onError: (error) => {
      remember(queries, room);
      toast(explain(error));
    },
  });
  return (
    <section className="details-part">
      <Choice
        label={t("Notify me of")}
        value={room.notify}
        onChange={(level) => change.mutate(level)}
        options={[
          { value: "all", label: t("Every message") },
          { value: "mentions", label: t("Mentions and replies") },
          { value: "nothing", label: t("Nothing") },
        ]}
      />
    </section>
  );
}

function Leaving({ room, direct }: { readonly room: Room; readonly direct: boolean }) {
  const queries = useQueryClient();
  if (room.kind === "direct") return null;
  const owns = room.role === "owner";
  const archive = () =>
    openDialog({
      kind: "confirm",
      question: {
        title: room.archived
          ? t("Bring {name} back?", { name: room.name })
          : t("Archive {name}?", { name: room.name }),
        text: room.archived
          ? t("Members can write again.")
          : t("Everybody can still read it, but nothing can be added. You can bring it back."),
        action: room.archived ? t("Bring back") : t("Archive"),
        act: async () =>
          remember(
            queries,
            await api.ask<Room>(`rooms/${room.id}`, { method: "PATCH", body: { archived: !room.archived } }),
          ),
      },
    });
  const leave = () =>
    openDialog({
      kind: "confirm",
      question: {
        title: t("Leave {name}?", { name: room.name }),
        text:
          room.kind === "public"
            ? t("You can come back at any time.")
            : t("To come back you need its code, or an invitation."),
        action: t("Leave"),
        act: async () => {
          await api.ask(`rooms/${room.id}/leave`, { method: "POST" });
          go({ page: "home" }, undefined, true);
        },
      },
    });
  return (
    <section className="details-part">
      {owns && (
        <Button onPress={archive}>
          {room.archived ? t("Bring back from the archive…") : t("Archive: make it read-only…")}
        </Button>
      )}
      <Button onPress={leave}>
        <Icon name="logout" size={16} /> {t("Leave…")}
      </Button>
      {owns && !direct && (
        <Button kind="danger" onPress={() => openDialog({ kind: "destroy", room: room.id, name: room.name })}>
          <Icon name="delete" size={16} /> {t("Destroy the room…")}
        </Button>
      )}
    </section>
  );
}
