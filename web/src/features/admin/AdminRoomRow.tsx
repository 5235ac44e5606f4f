import { openDialog } from "../../app/dialogs";
import { t, useLocale } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import type { AdminRoom, RoomKind } from "../../wire/types";
import { nameOf, usePerson } from "../people/people";
import { isDirect } from "../rooms/rooms";

/** A room as administrators see it: what it is, never what is said in it. */
export function AdminRoomRow({ room }: { readonly room: AdminRoom }) {
  const locale = useLocale();
  const { id, kind, name, members, owner, archived, created_at } = room;
  const direct = isDirect(room);
  const shown =
    kind === "direct" ? t("Between two people") : kind === "group" ? t("Among a few people") : name;
  return (
    <li className="account">
      {direct ? (
        <span className="admin-direct">
          <Icon name="people" />
        </span>
      ) : (
        <Avatar id={id} name={shown} square />
      )}
      <span className="person-line">
        <span className="person-name" dir="auto">
          {shown}
          <span className="person-role">{words(kind)}</span>
          {archived && <span className="person-role">{t("Archived")}</span>}
        </span>
        <span className="person-doing">
          {t("{members, plural, one {# member} other {# members}}", { members })}
          {owner && (
            <>
              {" · "}
              <Owner id={owner} />
            </>
          )}
          {` · ${t("since {date}", { date: new Date(created_at).toLocaleDateString(locale) })}`}
        </span>
      </span>
      {!direct && (
        <Button onPress={() => openDialog({ kind: "destroy", room: id, name })}>{t("Destroy…")}</Button>
      )}
    </li>
  );
}

function Owner({ id }: { readonly id: string }) {
  return <span dir="auto">{t("owned by {name}", { name: nameOf(usePerson(id)) })}</span>;
}

function words(kind: RoomKind): string {
  switch (kind) {
    case "public":
      return t("Public");
    case "private":
      return t("Private");
    case "direct":
      return t("Direct");
    case "group":
      return t("Group");
  }
}
