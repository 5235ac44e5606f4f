import { useMutation, useQueryClient } from "@tanstack/react-query";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { ApiError, isPassing } from "../../wire/http";
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
      <p role="status">{join.isError ? why(join.error) : t("If it is public, you can come in.")}</p>
      <div className="dialog-actions">
        <Button onPress={() => go({ page: "home" }, undefined, true)}>{t("Back")}</Button>
        {(!join.isError || isPassing(join.error)) && (
          <Button kind="primary" isDisabled={join.isPending} onPress={() => join.mutate()}>
            {t("Join")}
          </Button>
        )}
      </div>
    </div>
  );
}

/** The server says of a private room what it says of one that is not there. */
function why(error: Error): string {
  const isUnknown = error instanceof ApiError && error.code === "room_not_found";
  return isUnknown ? t("It is private or does not exist. Ask a member for its code.") : explain(error);
}
