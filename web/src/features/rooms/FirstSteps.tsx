import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { prefer, usePreferences } from "../../app/preferences";
import { Button, IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import type { Room } from "../../wire/types";
import { isDirect } from "./rooms";

/** What somebody who is new here can do next, until they have seen enough of it. */
export function FirstSteps({ room }: { readonly room: Room }) {
  const { firstSteps } = usePreferences();
  if (!firstSteps || isDirect(room)) return null;
  return (
    <aside className="first-steps" aria-label={t("First steps")}>
      <div>
        <strong dir="auto">{t("You are in {room}. Say hello!", { room: room.name })}</strong>
        <span className="field-hint">
          {t("Then bring the others: a link is all they need. Or make a room of your own.")}
        </span>
      </div>
      <div className="first-steps-actions">
        <Button kind="primary" onPress={() => openDialog({ kind: "invite", room: room.id })}>
          <Icon name="link" size={16} /> {t("Invite people")}
        </Button>
        <Button onPress={() => openDialog({ kind: "create-room" })}>{t("Create a room")}</Button>
        <Button onPress={() => openDialog({ kind: "settings" })}>{t("Add a picture")}</Button>
      </div>
      <IconButton icon="close" size={16} label={t("Dismiss")} onPress={() => prefer({ firstSteps: false })} />
    </aside>
  );
}
