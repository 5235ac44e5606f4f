import { useConversation } from "../../app/conversation";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import type { Message } from "../../wire/types";
import { Quoted } from "./Quote";

/** Asks before a message is deleted for everybody. */
export default function DeleteMessageDialog({
  room,
  message,
}: {
  readonly room: string;
  readonly message: Message;
}) {
  const conversation = useConversation();
  return (
    <Dialog title={t("Delete this message?")} onClose={closeDialog}>
      <div className="quote">
        <Quoted message={message} />
      </div>
      <p>{t("It is deleted for everybody, with its files. That it was there stays visible.")}</p>
      <div className="dialog-actions">
        <Button onPress={closeDialog}>{t("Keep it")}</Button>
        <Button
          kind="danger"
          onPress={() => {
            void conversation.delete(room, message.id);
            closeDialog();
          }}
        >
          {t("Delete")}
        </Button>
      </div>
    </Dialog>
  );
}
