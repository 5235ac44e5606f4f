import { useState } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { usedEmoji, usePreferences } from "../../app/preferences";
import { go, pathOf } from "../../app/router";
import { IconButton } from "../../ui/Button";
import { copy } from "../../ui/clipboard";
import { MenuButton, type MenuEntry } from "../../ui/MenuButton";
import type { Message, Room } from "../../wire/types";
import { EmojiButton } from "../composer/EmojiButton";
import type { Row } from "./rows";

interface Props {
  readonly row: Extract<Row, { kind: "message" }>;
  readonly room: Room;
  readonly onReply: (message: Message) => void;
  readonly onEdit: (message: Message | undefined) => void;
}

/** Offered before a person has used any. */
const QUICK = ["👍", "❤️", "😂"];

/** What can be done about a message: react, reply, edit, and more. */
export function MessageActions({ row, room, onReply, onEdit }: Props) {
  const { message, own } = row;
  const conversation = useConversation();
  const recent = usePreferences(({ recentEmoji }) => recentEmoji);
  const [isOpen, open] = useState(false);
  const react = (emoji: string) => {
    const mine = message.reactions.some(
      (reaction) => reaction.emoji === emoji && reaction.users.includes(conversation.user),
    );
    usedEmoji(emoji);
    void conversation.react(room.id, message.id, emoji, !mine);
  };
  const quick = [...new Set([...recent, ...QUICK])].slice(0, 3);
  const mayWrite = !room.archived;
  const mayEdit = own && mayWrite && isEditable(message, conversation.engine.limits?.edit_window_ms);
  return (
    <div className="message-actions" data-open={isOpen || undefined}>
      {mayWrite &&
        quick.map((emoji) => (
          <button
            key={emoji}
            type="button"
            className="icon-button quick-reaction"
            aria-label={t("React with {emoji}", { emoji })}
            onClick={() => react(emoji)}
          >
            {emoji}
          </button>
        ))}
      {mayWrite && <EmojiButton label={t("React")} onPick={react} onOpenChange={open} />}
      {mayWrite && <IconButton icon="reply" label={t("Reply")} onPress={() => onReply(message)} />}
      {mayEdit && <IconButton icon="edit" label={t("Edit")} onPress={() => onEdit(message)} />}
      <MenuButton
        icon="more"
        label={t("More")}
        onOpenChange={open}
        entries={useEntries(message, own, room)}
      />
    </div>
  );
}

function useEntries(message: Message, own: boolean, room: Room): MenuEntry[] {
  const conversation = useConversation();
  const moderates = room.role === "owner" || room.role === "moderator";
  const entries: MenuEntry[] = [
    {
      id: "link",
      icon: "link",
      label: t("Copy link"),
      act: () => copy(location.origin + pathOf({ page: "room", room: room.id, seq: message.seq })),
    },
    {
      id: "unread",
      icon: "bell",
      label: t("Mark unread from here"),
      act: () => {
        conversation.engine.reached(room.id, { unread: message.seq });
        go({ page: "home" });
      },
    },
    {
      id: "seen",
      icon: "checks",
      label: t("Seen by"),
      act: () => openDialog({ kind: "seen", room: room.id, message: message.id }),
    },
  ];
  if (message.body.text !== "") {
    entries.unshift({
      id: "copy",
      icon: "copy",
      label: t("Copy text"),
      act: () => copy(message.body.text),
    });
  }
  if (message.reactions.length > 0) {
    entries.push({
      id: "reactions",
      icon: "react",
      label: t("Who reacted"),
      act: () => openDialog({ kind: "reactions", room: room.id, message: message.id }),
    });
  }
  if (message.edited_at) {
    entries.push({
      id: "versions",
      icon: "clock",
      label: t("Earlier versions"),
      act: () => openDialog({ kind: "versions", room: room.id, message: message.id }),
    });
  }
  if ((own || moderates) && !room.archived) {
    entries.push({
      id: "delete",
      icon: "delete",
      label: t("Delete"),
      danger: true,
      act: () => openDialog({ kind: "delete-message", room: room.id, message }),
    });
  }
  return entries;
}

/** Whether a message may still be edited; 0 or nothing: always. */
function isEditable({ at }: Message, window: number | undefined): boolean {
  return !window || Date.now() - Date.parse(at) < window;
}
