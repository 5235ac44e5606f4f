import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { Field, TextField } from "../../ui/Field";
import { Select } from "../../ui/Select";
import { ApiError } from "../../wire/http";
import type { Room } from "../../wire/types";
import { api } from "../session/session";
import { RoomIcon } from "./RoomIcon";
import { remember } from "./rooms";

/** Pauses that slow mode offers, in seconds. */
const PAUSES = [0, 5, 10, 30, 60, 300, 900, 3_600, 21_600] as const;

/** Everything about a room that moderators can change. */
export function RoomEditor({ room, onDone }: { readonly room: Room; readonly onDone: () => void }) {
  const queries = useQueryClient();
  const { data } = useQuery({
    queryKey: ["words", room.id],
    queryFn: () => api.ask<{ refused_words: string[] }>(`rooms/${room.id}/words`),
    staleTime: 0,
  });
  const [words, setWords] = useState<string>();
  const save = useMutation({
    mutationFn: (body: object) => api.ask<Room>(`rooms/${room.id}`, { method: "PATCH", body }),
    onSuccess: (changed) => {
      remember(queries, changed);
      void queries.invalidateQueries({ queryKey: ["audit", room.id] });
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
      ...(words === undefined ? {} : { refused_words: listOf(words) }),
    });
  };
  const pause = room.slow_mode_ms / 1_000;
  const pauses = [...new Set([...PAUSES, pause])].sort((a, b) => a - b);
  return (
    <form className="form" onSubmit={submit}>
      <RoomIcon room={room} />
      <Field label={t("Name")} name="name" defaultValue={room.name} required error={error?.field("name")} />
      <Field label={t("Topic")} name="topic" defaultValue={room.topic} error={error?.field("topic")} />
      <TextField
        label={t("What it is about")}
        name="description"
        defaultValue={room.description}
        error={error?.field("description")}
      />
      <Select
        label={t("Slow mode")}
        name="slow"
        defaultValue={pause}
        hint={t("The pause between two messages of a member")}
        options={pauses.map((value) => ({ value, label: value === 0 ? t("Off") : duration(value) }))}
      />
      <Least label={t("Who may post links")} name="links" value={room.links} />
      <Least label={t("Who may call everybody with @all")} name="mention_all" value={room.mention_all} />
      <TextField
        label={t("Words nobody may use here")}
        hint={t("One a line. Only moderators see this list.")}
        value={words ?? data?.refused_words.join("\n") ?? ""}
        disabled={data === undefined}
        onChange={({ currentTarget }) => setWords(currentTarget.value)}
        error={error?.field("refused_words")}
      />
      {error && !error.problem?.errors?.length && (
        <p className="field-error" role="alert">
          {explain(error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onPress={onDone}>{t("Cancel")}</Button>
        <Button kind="primary" type="submit" isDisabled={save.isPending}>
          {t("Save")}
        </Button>
      </div>
    </form>
  );
}

function listOf(words: string): string[] {
  return [...new Set(words.split("\n").map((word) => word.trim()))].filter((word) => word !== "");
}

/** A number of seconds, in words. */
export function duration(seconds: number): string {
  if (seconds < 60) return t("{count, plural, one {# second} other {# seconds}}", { count: seconds });
  if (seconds < 3_600) return t("{count, plural, one {# minute} other {# minutes}}", { count: seconds / 60 });
  if (seconds < 86_400) return t("{count, plural, one {# hour} other {# hours}}", { count: seconds / 3_600 });
  return t("{count, plural, one {# day} other {# days}}", { count: seconds / 86_400 });
}

/** The least role that may do something. */
function Least({ label, name, value }: { label: string; name: string; value: string }) {
  return (
    <Select
      label={label}
      name={name}
      defaultValue={value}
      options={[
        { value: "member", label: t("Everybody") },
        { value: "moderator", label: t("Moderators") },
        { value: "owner", label: t("The owner") },
      ]}
    />
  );
}
