import { useMutation, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { FileButton } from "../../ui/FileButton";
import { toast } from "../../ui/Toasts";
import type { Room } from "../../wire/types";
import { api } from "../session/session";
import { remember } from "./rooms";

const Crop = lazy(() => import("../profile/Crop"));

/** A room's picture, to set and to take away. */
export function RoomIcon({ room }: { readonly room: Room }) {
  const queries = useQueryClient();
  const [picture, setPicture] = useState<File>();
  const remove = useMutation({
    mutationFn: () => api.ask(`rooms/${room.id}/icon`, { method: "DELETE" }),
    onSuccess: () => remember(queries, { ...room, icon: null }),
    onError: (error) => toast(explain(error)),
  });
  const send = async (body: Blob) => {
    remember(queries, await api.ask<Room>(`rooms/${room.id}/icon`, { method: "PUT", body }));
  };
  return (
    <>
      <div className="profile-picture">
        <Avatar id={room.id} name={room.name} picture={room.icon} size="large" square />
        <FileButton accept="image/png,image/jpeg,image/webp,image/gif" onFiles={([file]) => setPicture(file)}>
          {t("Choose a picture")}
        </FileButton>
        {room.icon && <Button onPress={() => remove.mutate()}>{t("Remove it")}</Button>}
      </div>
      {picture && (
        <Suspense fallback={null}>
          <Crop file={picture} send={send} onDone={() => setPicture(undefined)} />
        </Suspense>
      )}
    </>
  );
}
