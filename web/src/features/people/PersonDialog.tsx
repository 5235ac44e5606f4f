import { useMutation, useQueryClient } from "@tanstack/react-query";
import { closeDialog, openDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { go } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { toast } from "../../ui/Toasts";
import type { Room } from "../../wire/types";
import { remember } from "../rooms/rooms";
import { api, useMe } from "../session/session";
import { useBlocks } from "./blocks";
import { Moderation } from "./Moderation";
import { doing } from "./PersonLine";
import { nameOf, usePerson } from "./people";

interface Props {
  readonly user: string;
  readonly room: string | undefined;
}

/** Somebody, and what can be done about them. */
export default function PersonDialog({ user: id, room: inRoom }: Props) {
  const locale = useLocale();
  const me = useMe();
  const user = usePerson(id);
  const queries = useQueryClient();
  const { isBlocked, setBlocked } = useBlocks();
  const write = useMutation({
    mutationFn: () => api.ask<Room>("direct", { method: "POST", body: { user: id } }),
    onSuccess: (room) => {
      remember(queries, room);
      closeDialog();
      go({ page: "room", room: room.id, seq: undefined });
    },
    onError: (error) => toast(explain(error)),
  });
  if (!user) return null;
  const name = nameOf(user);
  const blocked = isBlocked(id);
  const block = () => {
    if (blocked) {
      setBlocked(id, false);
      return;
    }
    openDialog({
      kind: "confirm",
      question: {
        title: t("Block {name}?", { name }),
        text: t("You can’t write to each other any more. {name} is not told.", { name }),
        action: t("Block"),
        act: () => setBlocked(id, true),
      },
    });
  };
  return (
    <Dialog title={name} onClose={closeDialog}>
      <section className="details">
        <Avatar id={id} name={name} picture={user.avatar} status={user.status} size="large" />
        <p className="field-hint">
          <span dir="ltr">@{user.username}</span> · {doing(user, locale)}
        </p>
        {user.status_text && <p dir="auto">{user.status_text}</p>}
        {user.bio && <p dir="auto">{user.bio}</p>}
      </section>
      {id === me.id && (
        <div className="dialog-actions">
          <Button kind="primary" onPress={() => openDialog({ kind: "settings" })}>
            {t("Change your profile")}
          </Button>
        </div>
      )}
      {id !== me.id && !user.deleted && (
        <div className="dialog-actions">
          <Button onPress={block}>{blocked ? t("Unblock") : t("Block…")}</Button>
          <Button kind="primary" isDisabled={write.isPending || blocked} onPress={() => write.mutate()}>
            {t("Send a message")}
          </Button>
        </div>
      )}
      {inRoom && id !== me.id && <Moderation user={id} roomId={inRoom} />}
    </Dialog>
  );
}
