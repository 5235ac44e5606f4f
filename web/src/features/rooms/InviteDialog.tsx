import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { pathOf } from "../../app/router";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Choice";
import { copy } from "../../ui/clipboard";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import type { CodeResponse } from "../../wire/types";
import { api } from "../session/session";
import { useRoom } from "./rooms";

const HOUR = 3_600;

/** A link that lets people into a room, and how to replace it. */
export default function InviteDialog({ room: id }: { readonly room: string }) {
  const room = useRoom(id);
  const queries = useQueryClient();
  const [lasts, setLasts] = useState<"always" | "day" | "week">("always");
  const rotate = useMutation({
    mutationFn: () => {
      const expires_in = { always: undefined, day: 24 * HOUR, week: 7 * 24 * HOUR }[lasts];
      return api.ask<CodeResponse>(`rooms/${id}/code`, { method: "POST", body: { expires_in } });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["rooms"] }),
  });
  if (!room) return null;
  const code = rotate.data?.code ?? room.code;
  const link = code ? location.origin + pathOf({ page: "invite", code }) : undefined;
  const mayRotate = room.role === "owner" || room.role === "moderator";
  return (
    <Dialog title={t("Invite people to {name}", { name: room.name })} onClose={closeDialog}>
      {link && code && (
        <>
          <p>{t("Whoever opens this link comes into the room.")}</p>
          <div className="copy-line">
            <input
              className="input"
              readOnly
              value={link}
              aria-label={t("Invite link")}
              dir="ltr"
              onFocus={(event) => event.currentTarget.select()}
            />
            <Button kind="primary" onPress={() => copy(link)}>
              <Icon name="copy" size={16} /> {t("Copy link")}
            </Button>
          </div>
          <p className="field-hint">
            {t("Or give them the code:")} <code dir="ltr">{code}</code>
          </p>
        </>
      )}
      {mayRotate && (
        <details className="more">
          <summary>{t("Make a new link")}</summary>
          <Choice
            label={t("It works")}
            value={lasts}
            onChange={setLasts}
            options={[
              { value: "always", label: t("Until it is replaced") },
              { value: "day", label: t("For a day") },
              { value: "week", label: t("For a week") },
            ]}
          />
          <p className="field-hint">{t("The old link stops working at once.")}</p>
          <Button isDisabled={rotate.isPending} onPress={() => rotate.mutate()}>
            {t("Replace the link")}
          </Button>
        </details>
      )}
    </Dialog>
  );
}
