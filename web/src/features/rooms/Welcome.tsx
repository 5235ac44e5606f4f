import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Logo } from "../../ui/Logo";
import { useMe } from "../session/session";
import { useRooms } from "./rooms";

/** What there is to do when no room is open. */
export function Welcome() {
  const me = useMe();
  const { rooms, isLoading } = useRooms();
  if (isLoading) return null;
  return (
    <div className="empty" style={{ flex: 1 }}>
      <Logo size={56} />
      <h2>{t("Hello, {name}", { name: me.display_name })}</h2>
      <p>
        {rooms.length > 0
          ? t("Pick a room on the left, or press Ctrl K to jump to one.")
          : t("Make a room and invite somebody, or look around.")}
      </p>
      <div className="dialog-actions">
        <Button kind="primary" onPress={() => openDialog({ kind: "create-room" })}>
          {t("Create a room")}
        </Button>
        <Button onPress={() => go({ page: "directory" })}>{t("Find public rooms")}</Button>
      </div>
    </div>
  );
}
