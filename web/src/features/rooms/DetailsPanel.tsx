import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go, show } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { Field, TextField } from "../../ui/Field";
import { Icon } from "../../ui/Icon";
import { toast } from "../../ui/Toasts";
import { ApiError } from "../../wire/http";
import type { NotifyLevel, Room } from "../../wire/types";
import { api } from "../session/session";
import { AuditList } from "./AuditList";
import { InviteButton } from "./InviteButton";
import { remember, useRoom } from "./rooms";

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
          <Editor room={room} onDone={() => edit(false)} />
        ) : (
          <section className="details">
            <Avatar id={room.id} name={room.name} picture={room.icon} size="large" square={!direct} />
            <h3 dir="auto">{room.name}</h3>
            {room.topic && <p dir="auto">{room.topic}</p>}
            {room.description && (
              <p className="field-hint" dir="auto">
                {room.description}
              </p>
            )}
            {!direct && (
              <div className="details-actions">
                <InviteButton room={room} />
                {moderates && (
                  <Button onPress={() => edit(true)}>
                    <Icon name="edit" size={16} /> {t("Change")}
                  </Button>
                )}
              </div>
            )}
          </section>
        )}
        <Notify room={room} />
        {moderates && <AuditList room={room.id} />}
        <Leaving room={room} direct={direct} />
      </div>
    </>
  );
}

function Notify({ room }: { readonly room: Room }) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (notify: NotifyLevel) =>
      api.ask(`rooms/${room.id}/notify`, { method: "PUT", body: { notify } }),
    onMutate: (notify) => remember(queries, { ...room, notify }),
    onError: (error) => toast(error.message),
  });
  return (
    <section className="details-part">
      <Choice
        label={t("Notify me of")}
        value={room.notify ?? "mentions"}
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

function Editor({ room, onDone }: { readonly room: Room; readonly onDone: () => void }) {
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: (body: object) => api.ask<Room>(`rooms/${room.id}`, { method: "PATCH", body }),
    onSuccess: (changed) => {
      remember(queries, changed);
      onDone();
    },
  });
  const error = save.error instanceof ApiError ? save.error : undefined;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    save.mutate({
      name: form.get("name"),
      topic: form.get("topic"),
      description: form.get("description"),
      slow_mode_ms: Number(form.get("slow")) * 1_000,
      links: form.get("links"),
      mention_all: form.get("mention_all"),
    });
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field label={t("Name")} name="name" defaultValue={room.name} required error={error?.field("name")} />
      <Field label={t("Topic")} name="topic" defaultValue={room.topic} error={error?.field("topic")} />
      <TextField
        label={t("What it is about")}
        name="description"
        defaultValue={room.description}
        error={error?.field("description")}
      />
      <Field
        label={t("Slow mode")}
        name="slow"
        type="number"
        min={0}
        max={21_600}
        defaultValue={(room.slow_mode_ms ?? 0) / 1_000}
        hint={t("Seconds between two messages of a member; 0: none")}
        error={error?.field("slow_mode_ms")}
      />
      <Least label={t("Who may post links")} name="links" value={room.links} />
      <Least label={t("Who may call everybody with @all")} name="mention_all" value={room.mention_all} />
      {error && !error.problem?.errors?.length && <p className="field-error">{error.message}</p>}
      <div className="dialog-actions">
        <Button onPress={onDone}>{t("Cancel")}</Button>
        <Button kind="primary" type="submit" isDisabled={save.isPending}>
          {t("Save")}
        </Button>
      </div>
    </form>
  );
}

/** The least role that may do something. */
function Least({
  label,
  name,
  value,
}: {
  readonly label: string;
  readonly name: string;
  readonly value: string;
}) {
  return (
    <label className="field">
      <span className="field-label">{label}</span>
      <select className="input" name={name} defaultValue={value}>
        <option value="member">{t("Everybody")}</option>
        <option value="moderator">{t("Moderators")}</option>
        <option value="owner">{t("The owner")}</option>
      </select>
    </label>
  );
}

function Leaving({ room, direct }: { readonly room: Room; readonly direct: boolean }) {
  const queries = useQueryClient();
  const leave = useMutation({
    mutationFn: () => api.ask(`rooms/${room.id}/leave`, { method: "POST" }),
    onSuccess: () => go({ page: "home" }, undefined, true),
    onError: (error) => toast(error.message),
  });
  const archive = useMutation({
    mutationFn: (archived: boolean) =>
      api.ask<Room>(`rooms/${room.id}`, { method: "PATCH", body: { archived } }),
    onSuccess: (changed) => remember(queries, changed),
    onError: (error) => toast(error.message),
  });
  if (room.kind === "direct") return null;
  const owns = room.role === "owner";
  return (
    <section className="details-part">
      {owns && (
        <Button onPress={() => archive.mutate(!room.archived)}>
          {room.archived ? t("Bring back from the archive") : t("Archive: make it read-only")}
        </Button>
      )}
      <Button onPress={() => leave.mutate()}>
        <Icon name="logout" size={16} /> {t("Leave")}
      </Button>
      {owns && !direct && (
        <Button kind="danger" onPress={() => openDialog({ kind: "destroy", room: room.id })}>
          <Icon name="delete" size={16} /> {t("Destroy the room…")}
        </Button>
      )}
    </section>
  );
}
