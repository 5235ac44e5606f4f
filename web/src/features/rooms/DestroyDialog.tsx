import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { api } from "../session/session";
import { useRoom } from "./rooms";

/** Destroys a room, once its name is typed again. */
export default function DestroyDialog({ room: id }: { readonly room: string }) {
  const room = useRoom(id);
  const [typed, type] = useState("");
  const destroy = useMutation({
    mutationFn: () => api.ask(`rooms/${id}`, { method: "DELETE", body: { name: typed } }),
    onSuccess: () => {
      closeDialog();
      go({ page: "home" }, undefined, true);
    },
  });
  if (!room) return null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    destroy.mutate();
  };
  return (
    <Dialog title={t("Destroy {name}?", { name: room.name })} onClose={closeDialog}>
      <form className="form" onSubmit={submit}>
        <p>
          {t(
            "Everybody is moved out, and all messages and files are deleted for good. Nobody can bring them back.",
          )}
        </p>
        <Field
          label={t("Type the room’s name to confirm")}
          value={typed}
          autoFocus
          autoComplete="off"
          onChange={({ currentTarget }) => type(currentTarget.value)}
          hint={room.name}
          error={destroy.isError ? destroy.error.message : undefined}
        />
        <div className="dialog-actions">
          <Button onPress={closeDialog}>{t("Keep it")}</Button>
          <Button kind="danger" type="submit" isDisabled={typed.trim() !== room.name || destroy.isPending}>
            {t("Destroy")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
