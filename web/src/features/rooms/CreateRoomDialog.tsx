import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { closeDialog, openDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { Dialog } from "../../ui/Dialog";
import { Field, TextField } from "../../ui/Field";
import { ApiError } from "../../wire/http";
import type { Room } from "../../wire/types";
import { api } from "../session/session";
import { remember } from "./rooms";

/** Makes a room. */
export default function CreateRoomDialog() {
  const queries = useQueryClient();
  const [kind, setKind] = useState<"private" | "public">("private");
  const create = useMutation({
    mutationFn: (body: object) => api.ask<Room>("rooms", { method: "POST", body }),
    onSuccess: (room) => {
      remember(queries, room);
      go({ page: "room", room: room.id, seq: undefined });
      openDialog({ kind: "invite", room: room.id });
    },
  });
  const error = create.error instanceof ApiError ? create.error : undefined;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    create.mutate({ kind, name: form.get("name"), description: form.get("description") });
  };
  return (
    <Dialog title={t("Create a room")} onClose={closeDialog}>
      <form className="form" onSubmit={submit}>
        <Field
          label={t("Name")}
          name="name"
          required
          autoFocus
          maxLength={400}
          error={error?.field("name")}
        />
        <Choice
          label={t("Who can come in")}
          value={kind}
          onChange={setKind}
          options={[
            { value: "private", label: t("By invitation"), hint: t("Only those who have its code or link") },
            { value: "public", label: t("Everybody"), hint: t("It is listed, and anybody may join") },
          ]}
        />
        <TextField
          label={t("What it is about")}
          name="description"
          hint={t("May be left out")}
          error={error?.field("description")}
        />
        {error && !error.problem?.errors?.length && (
          <p className="field-error" role="alert">
            {explain(error)}
          </p>
        )}
        <div className="dialog-actions">
          <Button onPress={closeDialog}>{t("Cancel")}</Button>
          <Button kind="primary" type="submit" isDisabled={create.isPending}>
            {t("Create")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
