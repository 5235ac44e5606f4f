import { useMutation, useQueryClient } from "@tanstack/react-query";
import { closeDialog } from "../../app/dialogs";
import { t, useLanguage } from "../../app/i18n";
import { go } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { toast } from "../../ui/Toasts";
import type { Role, Room } from "../../wire/types";
import { remember, useRoom } from "../rooms/rooms";
import { api, useMe } from "../session/session";
import { useBlocks } from "./blocks";
import { doing, roleName } from "./PersonLine";
import { nameOf, usePerson } from "./people";
import { useMembers } from "./useMembers";

interface Props {
  readonly user: string;
  readonly room: string | undefined;
}

const RANK: Record<Role, number> = { member: 0, moderator: 1, owner: 2 };

/** Somebody, and what can be done about them. */
export default function PersonDialog({ user: id, room: inRoom }: Props) {
  const language = useLanguage();
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
    onError: (error) => toast(error.message),
  });
  if (!user) return null;
  const name = nameOf(user);
  const blocked = isBlocked(id);
  return (
    <Dialog title={name} onClose={closeDialog}>
      <section className="details">
        <Avatar id={id} name={name} picture={user.avatar} status={user.status} size="large" />
        <p className="field-hint" dir="ltr">
          @{user.username}
        </p>
        <p>{doing(user, language)}</p>
        {user.status_text && <p dir="auto">“{user.status_text}”</p>}
        {user.bio && <p dir="auto">{user.bio}</p>}
      </section>
      {id !== me.id && !user.deleted && (
        <div className="dialog-actions">
          <Button onPress={() => setBlocked(id, !blocked)}>{blocked ? t("Unblock") : t("Block")}</Button>
          <Button kind="primary" isDisabled={write.isPending || blocked} onPress={() => write.mutate()}>
            {t("Send a message")}
          </Button>
        </div>
      )}
      {inRoom && id !== me.id && <Moderation user={id} roomId={inRoom} />}
    </Dialog>
  );
}

/** What those who keep order in a room can do about a member with a smaller role. */
function Moderation({ user, roomId }: { readonly user: string; readonly roomId: string }) {
  const room = useRoom(roomId);
  const { members } = useMembers(roomId);
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: ({ path, method, body }: { path: string; method: string; body?: object }) =>
      api.ask(`rooms/${roomId}/${path}`, { method, ...(body ? { body } : {}) }),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["members", roomId] });
      toast(t("Done"));
    },
    onError: (error) => toast(error.message),
  });
  const member = members.find(({ id }) => id === user);
  if (!room?.role || !member || RANK[room.role] <= RANK[member.role] || room.role === "member") return null;
  const muted = member.muted_until && Date.parse(member.muted_until) > Date.now();
  const patch = (body: object) => act.mutate({ path: `members/${user}`, method: "PATCH", body });
  return (
    <section className="details-part">
      <h3 className="field-label">
        {t("In {room}: {role}", { room: room.name, role: roleName(member.role) })}
      </h3>
      <div className="details-actions">
        {muted ? (
          <Button onPress={() => patch({ mute_for: 0 })}>{t("Let write again")}</Button>
        ) : (
          <Button onPress={() => patch({ mute_for: 3_600 })}>{t("Mute for an hour")}</Button>
        )}
        {room.role === "owner" && (
          <Button onPress={() => patch({ role: member.role === "member" ? "moderator" : "member" })}>
            {member.role === "member" ? t("Make moderator") : t("Make member")}
          </Button>
        )}
        <Button onPress={() => act.mutate({ path: `members/${user}`, method: "DELETE" })}>
          {t("Put out")}
        </Button>
        <Button kind="danger" onPress={() => act.mutate({ path: `bans/${user}`, method: "PUT", body: {} })}>
          {t("Ban")}
        </Button>
      </div>
    </section>
  );
}
