import { useInfiniteQuery } from "@tanstack/react-query";
import { t, useLocale } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { NotLoaded } from "../../ui/NotLoaded";
import type { AuditAction, AuditEntry, AuditList as List } from "../../wire/types";
import { ago } from "../people/PersonLine";
import { nameOf, usePerson } from "../people/people";
import { api } from "../session/session";
import { useRoom } from "./rooms";
import "./details.css";

/** What those who keep order have done: at `rooms/…/audit` in a room, at `admin/audit` everywhere. */
export function AuditList({ path }: { readonly path: string }) {
  const pages = useInfiniteQuery({
    queryKey: ["audit", path],
    queryFn: ({ pageParam }) => api.ask<List>(path, { query: { limit: 30, before: pageParam } }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
  const entries = pages.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <ul className="audit">
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} isOfRoom={path !== "admin/audit"} />
        ))}
      </ul>
      <NotLoaded query={pages} />
      {pages.isSuccess && entries.length === 0 && <p className="field-hint">{t("Nothing yet.")}</p>}
      {pages.hasNextPage && <Button onPress={() => void pages.fetchNextPage()}>{t("Show more")}</Button>}
    </>
  );
}

interface Props {
  readonly entry: AuditEntry;
  /** Whether all entries are of one room, which need not be named then. */
  readonly isOfRoom: boolean;
}

function Entry({ entry, isOfRoom }: Props) {
  const locale = useLocale();
  const { actor, user, room, action, detail, reason, at } = entry;
  return (
    <li>
      <span>
        <Name user={actor} /> <span className="field-hint">·</span> {words(action)}
        {user && (
          <>
            {": "}
            <Name user={user} />
          </>
        )}
        {room && !isOfRoom && <Where id={room} />}
      </span>
      <span className="field-hint" dir="auto">
        {[ago(Date.parse(at), locale), detail, reason && `“${reason}”`].filter(Boolean).join(" · ")}
      </span>
    </li>
  );
}

function Name({ user }: { readonly user: string }) {
  return <strong dir="auto">{nameOf(usePerson(user))}</strong>;
}

/** The room, by its name if it is one's own: of others the record keeps none. */
function Where({ id }: { readonly id: string }) {
  const room = useRoom(id);
  return (
    <>
      {" · "}
      <span className="field-hint audit-room" dir="auto" title={id}>
        {room?.name ?? id.slice(-8)}
      </span>
    </>
  );
}

function words(action: AuditAction): string {
  switch (action) {
    case "room_changed":
      return t("changed the room");
    case "code_rotated":
      return t("made a new code");
    case "role_changed":
      return t("changed a role");
    case "owner_changed":
      return t("handed the room over");
    case "member_muted":
      return t("muted somebody");
    case "member_unmuted":
      return t("let somebody write again");
    case "member_removed":
      return t("put somebody out");
    case "member_banned":
      return t("banned somebody");
    case "member_unbanned":
      return t("lifted a ban");
    case "message_deleted":
      return t("deleted a message");
    case "room_destroyed":
      return t("destroyed a room");
    case "user_suspended":
      return t("suspended an account");
    case "user_reinstated":
      return t("reinstated an account");
    case "admin_granted":
      return t("made somebody an administrator");
    case "admin_revoked":
      return t("took the administrator’s rights");
    case "account_deleted":
      return t("deleted their account");
  }
}
