import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { go, parse } from "../../app/router";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { toast } from "../../ui/Toasts";
import { api } from "../session/session";

/** Destroys a room, once its name is typed again. */
export default function DestroyDialog({ room: id, name }: { readonly room: string; readonly name: string }) {
  const queries = useQueryClient();
  const [typed, type] = useState("");
  const [reason, give] = useState("");
  const destroy = useMutation({
    mutationFn: () =>
      api.ask(`rooms/${id}`, {
        method: "DELETE",
        body: { name: typed, ...(reason.trim() ? { reason: reason.trim() } : {}) },
      }),
    onSuccess: () => {
      closeDialog();
      toast(t("{name} is destroyed. What was in it is being removed.", { name }));
      const { route } = parse(new URL(location.href));
      if (route.page === "room" && route.room === id) go({ page: "home" }, undefined, true);
      void queries.invalidateQueries({ queryKey: ["directory"] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    destroy.mutate();
  };
  return (
    <Dialog title={t("Destroy {name}?", { name })} onClose={closeDialog}>
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
          hint={name}
          error={destroy.isError ? explain(destroy.error) : undefined}
        />
        <Field
          label={t("Reason")}
          hint={t("Goes into the record. May be left out.")}
          value={reason}
          maxLength={200}
          autoComplete="off"
          onChange={({ currentTarget }) => give(currentTarget.value)}
        />
        <div className="dialog-actions">
          <Button onPress={closeDialog}>{t("Keep it")}</Button>
          <Button kind="danger" type="submit" isDisabled={typed.trim() !== name || destroy.isPending}>
            {t("Destroy")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
