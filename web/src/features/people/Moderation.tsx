import { useQueryClient } from "@tanstack/react-query";
import { openDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { Button } from "../../ui/Button";
import type { Question } from "../../ui/ConfirmDialog";
import { Select } from "../../ui/Select";
import { toast } from "../../ui/Toasts";
import type { Role } from "../../wire/types";
import { duration } from "../rooms/RoomEditor";
import { useRoom } from "../rooms/rooms";
import { api } from "../session/session";
import { roleName } from "./PersonLine";
import { nameOf, usePerson } from "./people";
import { useMember } from "./useMembers";

const RANK: Record<Role, number> = { member: 0, moderator: 1, owner: 2 };
/** How long a mute may last, in seconds. */
const MUTES = [300, 3_600, 86_400, 604_800] as const;

/** What those who keep order in a room can do about a member with a smaller role. */
export function Moderation({ user, roomId }: { readonly user: string; readonly roomId: string }) {
  const locale = useLocale();
  const room = useRoom(roomId);
  const name = nameOf(usePerson(user));
  const queries = useQueryClient();
  const member = useMember(roomId, user);
  if (!room?.role || !member || RANK[room.role] <= RANK[member.role] || room.role === "member") return null;

  const ask = async (path: string, method: string, body?: object) => {
    await api.ask(`rooms/${roomId}/${path}`, { method, ...(body ? { body } : {}) });
    await Promise.all(
      [["members", roomId], ["bans", roomId], ["audit"]].map((queryKey) =>
        queries.invalidateQueries({ queryKey }),
      ),
    );
  };
  const patch = (body: object) =>
    ask(`members/${user}`, "PATCH", body).catch((error: unknown) => toast(explain(error)));
  const confirm = (question: Question) => openDialog({ kind: "confirm", question });

  const mutedUntil = member.muted_until ? Date.parse(member.muted_until) : 0;
  const muted = mutedUntil > Date.now();
  const setRole = (role: Role) => {
    if (role !== "owner") {
      void patch({ role });
      return;
    }
    confirm({
      title: t("Hand {room} over to {name}?", { room: room.name, name }),
      text: t("They become its owner, and you a moderator. Only they can give it back."),
      action: t("Hand over"),
      danger: true,
      act: () => ask(`members/${user}`, "PATCH", { role }),
    });
  };
  const setMute = (seconds: number) => {
    if (seconds === 0) {
      void patch({ mute_for: 0 });
      return;
    }
    confirm({
      title: t("Mute {name} for {time}?", { name, time: duration(seconds) }),
      text: t("They can read {room} meanwhile, but write nothing there.", { room: room.name }),
      action: t("Mute"),
      asksReason: true,
      act: (reason) => ask(`members/${user}`, "PATCH", { mute_for: seconds, ...(reason ? { reason } : {}) }),
    });
  };
  return (
    <section className="details-part">
      <h3 className="field-label" dir="auto">
        {t("In {room}: {role}", { room: room.name, role: roleName(member.role) })}
      </h3>
      {room.role === "owner" && (
        <Select
          label={t("Role")}
          value={member.role}
          onChange={({ currentTarget }) => setRole(currentTarget.value as Role)}
          options={(["member", "moderator", "owner"] as const).map((role) => ({
            value: role,
            label: roleName(role),
          }))}
        />
      )}
      <Select
        label={t("Writing")}
        value={muted ? "muted" : "0"}
        onChange={({ currentTarget }) => {
          if (currentTarget.value !== "muted") setMute(Number(currentTarget.value));
        }}
        options={[
          { value: "0", label: t("May write") },
          ...(muted
            ? [
                {
                  value: "muted",
                  label: t("Muted until {until}", { until: new Date(mutedUntil).toLocaleString(locale) }),
                },
              ]
            : []),
          ...MUTES.map((value) => ({
            value: String(value),
            label: t("Mute for {time}", { time: duration(value) }),
          })),
        ]}
      />
      <div className="dialog-actions">
        <Button
          onPress={() =>
            confirm({
              title: t("Kick {name}?", { name }),
              text: t("They stop seeing {room} at once. With its code they can come back.", {
                room: room.name,
              }),
              action: t("Kick"),
              danger: true,
              asksReason: true,
              act: (reason) => ask(`members/${user}`, "DELETE", reason ? { reason } : undefined),
            })
          }
        >
          {t("Kick…")}
        </Button>
        <Button
          kind="danger"
          onPress={() =>
            confirm({
              title: t("Ban {name}?", { name }),
              text: t("They stop seeing {room} at once, and can’t come back until the ban is lifted.", {
                room: room.name,
              }),
              action: t("Ban"),
              danger: true,
              asksReason: true,
              act: (reason) => ask(`bans/${user}`, "PUT", reason ? { reason } : {}),
            })
          }
        >
          {t("Ban…")}
        </Button>
      </div>
    </section>
  );
}
