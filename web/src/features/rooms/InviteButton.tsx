import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import type { Room } from "../../wire/types";

/** Opens the invitation of a room. */
export function InviteButton({ room }: { readonly room: Room }) {
  return (
    <Button onPress={() => openDialog({ kind: "invite", room: room.id })}>
      <Icon name="link" size={16} /> {t("Invite people")}
    </Button>
  );
}
