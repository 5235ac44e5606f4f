import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Logo } from "../../ui/Logo";
import type { Room } from "../../wire/types";
import { api } from "../session/session";
import { refusal } from "./refusal";
import { remember } from "./rooms";

/** Where an invite link leads: straight into the room. */
export function InvitePage({ code }: { readonly code: string }) {
  const queries = useQueryClient();
  const { mutate, isError, error } = useMutation({
    mutationFn: () => api.ask<Room>("rooms/join", { method: "POST", body: { code } }),
    onSuccess: (room) => {
      remember(queries, room);
      go({ page: "room", room: room.id, seq: undefined }, undefined, true);
    },
  });
  useEffect(() => mutate(), [mutate]);
  return (
    <div className="empty" style={{ flex: 1 }}>
      <Logo size={56} />
      <h2>{isError ? t("The invitation does not work") : t("Coming in…")}</h2>
      {isError && <p>{refusal(error)}</p>}
      {isError && (
        <Button kind="primary" onPress={() => go({ page: "home" }, undefined, true)}>
          {t("Go to your rooms")}
        </Button>
      )}
    </div>
  );
}
