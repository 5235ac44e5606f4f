import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { Button } from "../../ui/Button";
import type { Message, Room } from "../../wire/types";

interface Props {
  readonly room: Room;
  readonly message: Message;
  readonly onClose: () => void;
}

/** Where a message is changed, in its own place. Esc leaves it as it was. */
export function EditBox({ room, message, onClose }: Props) {
  const conversation = useConversation();
  const [text, setText] = useState(message.body.text);
  const enterSends = usePreferences((preferences) => preferences.enterSends);
  const input = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    const element = input.current;
    const before = document.activeElement;
    const row = element?.closest<HTMLElement>("[data-message]");
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
    // The focus goes back to where the editing began: the composer, or the message.
    return () => {
      const origin = before instanceof HTMLTextAreaElement && before.isConnected ? before : row;
      queueMicrotask(() => origin?.focus({ preventScroll: true }));
    };
  }, []);

  const isSaving = useRef(false);

  const save = async () => {
    if (isSaving.current) return;
    const said = text.trim();
    const files = message.body.attachments?.length ?? 0;
    if (said === "" && files === 0) {
      openDialog({ kind: "delete-message", room: room.id, message });
    } else if (said !== message.body.text) {
      isSaving.current = true;
      const isSaved = await conversation.edit(room.id, message.id, said);
      isSaving.current = false;
      if (!isSaved) return;
    }
    onClose();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      onClose();
    } else if (event.key === "Enter" && event.shiftKey !== enterSends) {
      event.preventDefault();
      void save();
    }
  };

  return (
    <div className="edit-box">
      <textarea
        ref={input}
        className="input"
        dir="auto"
        rows={Math.min(10, text.split("\n").length + 1)}
        value={text}
        aria-label={t("Edit message")}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div className="edit-actions">
        <span className="field-hint">
          {enterSends ? t("Enter saves, Esc cancels") : t("Shift+Enter saves, Esc cancels")}
        </span>
        <Button onPress={onClose}>{t("Cancel")}</Button>
        <Button kind="primary" onPress={() => void save()}>
          {t("Save")}
        </Button>
      </div>
    </div>
  );
}
