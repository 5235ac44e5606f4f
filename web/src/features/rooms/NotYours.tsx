import { useMutation, useQueryClient } from "@tanstack/react-query";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import type { Room } from "../../wire/types";
import { api } from "../session/session";
import { remember } from "./rooms";

/** A room that is not one's own: public ones can be joined, of others nothing is told. */
export function NotYours({ id }: { readonly id: string }) {
  const queries = useQueryClient();
  const join = useMutation({
    mutationFn: () => api.ask<Room>("rooms/join", { method: "POST", body: { code: id } }),
    onSuccess: (room) => remember(queries, room),
  });
  return (
    <div className="empty" style={{ flex: 1 }}>
      <Icon name="lock" size={32} />
      <h2>{t("You are not in this room")}</h2>
      <p>
        {join.isError
          ? t("It is private or does not exist. Ask a member for its code.")
          : t("If it is public, you can come in.")}
      </p>
      <div className="dialog-actions">
        <Button onPress={() => go({ page: "home" }, undefined, true)}>{t("Back")}</Button>
        {!join.isError && (
          <Button kind="primary" isDisabled={join.isPending} onPress={() => join.mutate()}>
            {t("Join")}
          </Button>
        )}
      </div>
    </div>
  );
}
