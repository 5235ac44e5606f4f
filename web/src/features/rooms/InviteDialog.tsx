import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { pathOf } from "../../app/router";
import { Button } from "../../ui/Button";
import { copy } from "../../ui/clipboard";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import { Select } from "../../ui/Select";
import type { CodeResponse, Room } from "../../wire/types";
import { api } from "../session/session";
import { duration } from "./RoomEditor";
import { remember, useRoom } from "./rooms";

/** How long a new link may work, in seconds, and how many it may let in; 0: no bound. */
const LASTS = [0, 3_600, 86_400, 604_800, 2_592_000] as const;
const USES = [0, 1, 5, 25, 100] as const;

/** A link that lets people into a room, and how to replace it. */
export default function InviteDialog({ room: id }: { readonly room: string }) {
  const room = useRoom(id);
  if (!room) return null;
  // Into a public room its id leads as well.
  const code = room.code ?? (room.kind === "public" ? room.id : undefined);
  const link = code ? location.origin + pathOf({ page: "invite", code }) : undefined;
  const mayReplace = room.role === "owner" || room.role === "moderator";
  return (
    <Dialog title={t("Invite people to {name}", { name: room.name })} onClose={closeDialog}>
      {link ? (
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
          <Bounds room={room} />
          {room.code && (
            <p className="field-hint">
              {t("Or give them the code:")} <code dir="ltr">{room.code}</code>
            </p>
          )}
        </>
      ) : (
        <p>{t("Ask a moderator of this room for a link.")}</p>
      )}
      {mayReplace && <Replace room={room} />}
    </Dialog>
  );
}

function Bounds({ room }: { readonly room: Room }) {
  const locale = useLocale();
  const { code_expires_at: until, code_uses_left: left } = room;
  const bounds = [
    until && t("works until {until}", { until: new Date(until).toLocaleString(locale) }),
    left !== undefined && t("lets in {left, plural, one {# more person} other {# more people}}", { left }),
  ].filter(Boolean);
  if (bounds.length === 0) return null;
  return <p className="field-hint">{t("This link {bounds}.", { bounds: bounds.join(" · ") })}</p>;
}

function Replace({ room }: { readonly room: Room }) {
  const queries = useQueryClient();
  const [lasts, setLasts] = useState(0);
  const [uses, setUses] = useState(0);
  const replace = useMutation({
    mutationFn: () =>
      api.ask<CodeResponse>(`rooms/${room.id}/code`, {
        method: "POST",
        body: { ...(lasts ? { expires_in: lasts } : {}), ...(uses ? { max_uses: uses } : {}) },
      }),
    onSuccess: ({ code, expires_at, uses_left }) => {
      const { code_expires_at: _until, code_uses_left: _left, ...rest } = room;
      remember(queries, {
        ...rest,
        code,
        ...(expires_at ? { code_expires_at: expires_at } : {}),
        ...(uses_left === undefined ? {} : { code_uses_left: uses_left }),
      });
    },
  });
  return (
    <details className="more">
      <summary>{t("Make a new link")}</summary>
      <Select
        label={t("It works")}
        value={lasts}
        onChange={({ currentTarget }) => setLasts(Number(currentTarget.value))}
        options={LASTS.map((value) => ({
          value,
          label: value ? t("For {time}", { time: duration(value) }) : t("Until it is replaced"),
        }))}
      />
      <Select
        label={t("It lets in")}
        value={uses}
        onChange={({ currentTarget }) => setUses(Number(currentTarget.value))}
        options={USES.map((count) => ({
          value: count,
          label: count
            ? t("{count, plural, one {# person} other {# people}}", { count })
            : t("As many as come"),
        }))}
      />
      <p className="field-hint">{t("The old link stops working at once.")}</p>
      {replace.isError && (
        <p className="field-error" role="alert">
          {explain(replace.error)}
        </p>
      )}
      <Button isDisabled={replace.isPending} onPress={() => replace.mutate()}>
        {t("Replace the link")}
      </Button>
    </details>
  );
}
