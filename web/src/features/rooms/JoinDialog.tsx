import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import type { Room } from "../../wire/types";
import { api } from "../session/session";
import { refusal } from "./refusal";
import { remember } from "./rooms";

/** Joins a room by its code, or by a link that holds one. */
export default function JoinDialog() {
  const queries = useQueryClient();
  const join = useMutation({
    mutationFn: (code: string) => api.ask<Room>("rooms/join", { method: "POST", body: { code } }),
    onSuccess: (room) => {
      remember(queries, room);
      closeDialog();
      go({ page: "room", room: room.id, seq: undefined });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("code") ?? "").trim();
    join.mutate(text.split("/").at(-1) ?? text);
  };
  return (
    <Dialog title={t("Join a room")} onClose={closeDialog}>
      <form className="form" onSubmit={submit}>
        <Field
          label={t("Code or link")}
          name="code"
          required
          autoFocus
          autoComplete="off"
          spellCheck={false}
          hint={t("A member of the room can give it to you.")}
          error={join.isError ? refusal(join.error) : undefined}
        />
        <div className="dialog-actions">
          <Button onPress={closeDialog}>{t("Cancel")}</Button>
          <Button kind="primary" type="submit" isDisabled={join.isPending}>
            {t("Join")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
