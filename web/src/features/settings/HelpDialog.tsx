import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Dialog } from "../../ui/Dialog";
import { COMMAND } from "../../ui/keys";
import "./settings.css";

/** The keys that work everywhere. */
export default function HelpDialog() {
  const keys: [string, string][] = [
    [`${COMMAND} K`, t("Jump to a room")],
    ["Alt ↑ / Alt ↓", t("The room above or below")],
    ["Alt Shift ↑ / ↓", t("The next unread room")],
    [`${COMMAND} Shift F`, t("Search")],
    ["Esc", t("Close what is open, or mark the room as read")],
    ["↑", t("Edit your last message")],
    ["R", t("On a message: reply")],
    ["E", t("On a message of yours: edit")],
    ["+", t("On a message: react")],
    ["Enter", t("On a message: everything else")],
    [`${COMMAND} /`, t("This list")],
  ];
  return (
    <Dialog title={t("Keys")} onClose={closeDialog}>
      <dl className="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
