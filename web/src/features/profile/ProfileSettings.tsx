import { useMutation } from "@tanstack/react-query";
import { type FormEvent, lazy, Suspense, useState } from "react";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Field, TextField } from "../../ui/Field";
import { FileButton } from "../../ui/FileButton";
import { Select } from "../../ui/Select";
import { toast } from "../../ui/Toasts";
import { ApiError } from "../../wire/http";
import type { Me } from "../../wire/types";
import { api, becomes, useMe } from "../session/session";

const Crop = lazy(() => import("./Crop"));

/** How others see this person. */
export function ProfileSettings() {
  const me = useMe();
  const [picture, setPicture] = useState<File>();
  const save = useMutation({
    mutationFn: (body: object) => api.ask<Me>("me", { method: "PATCH", body }),
    onSuccess: (changed) => {
      becomes(changed);
      toast(t("Saved"));
    },
    onError: (error) => {
      if (!(error instanceof ApiError && error.problem?.errors?.length)) toast(explain(error));
    },
  });
  const remove = useMutation({
    onError: (error) => toast(explain(error)),
    mutationFn: () => api.ask("me/avatar", { method: "DELETE" }).then(() => api.ask<Me>("me")),
    onSuccess: becomes,
  });
  const send = async (body: Blob) => {
    await api.ask("me/avatar", { method: "PUT", body });
    becomes(await api.ask<Me>("me"));
  };
  const error = save.error instanceof ApiError ? save.error : undefined;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(Object.fromEntries(new FormData(event.currentTarget)));
  };
  return (
    <form className="form" onSubmit={submit}>
      <div className="profile-picture">
        <Avatar id={me.id} name={me.display_name} picture={me.avatar} size="large" />
        <FileButton accept="image/png,image/jpeg,image/webp,image/gif" onFiles={([file]) => setPicture(file)}>
          {t("Choose a picture")}
        </FileButton>
        {me.avatar && <Button onPress={() => remove.mutate()}>{t("Remove it")}</Button>}
      </div>
      {picture && (
        <Suspense fallback={null}>
          <Crop file={picture} send={send} onDone={() => setPicture(undefined)} />
        </Suspense>
      )}
      <Field
        label={t("Your name")}
        name="display_name"
        defaultValue={me.display_name}
        required
        error={error?.field("display_name")}
      />
      <Field
        label={t("What you are doing")}
        name="status_text"
        defaultValue={me.status_text}
        error={error?.field("status_text")}
      />
      <Select
        label={t("Show me as")}
        name="availability"
        defaultValue={me.availability}
        options={[
          { value: "auto", label: t("Online while I am here") },
          { value: "away", label: t("Away") },
          { value: "invisible", label: t("Invisible: offline to everybody") },
        ]}
      />
      <TextField label={t("About you")} name="bio" defaultValue={me.bio} error={error?.field("bio")} />
      <div className="dialog-actions">
        <Button kind="primary" type="submit" isDisabled={save.isPending}>
          {t("Save")}
        </Button>
      </div>
    </form>
  );
}
