import { memo, useState } from "react";
import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t, useLanguage } from "../../app/i18n";
import { usedEmoji, usePreferences } from "../../app/preferences";
import { go } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { toast } from "../../ui/Toasts";
import type { Message, Room } from "../../wire/types";
import { EditBox } from "../composer/EditBox";
import { EmojiButton } from "../composer/EmojiButton";
import { nameOf, usePerson } from "../people/people";
import { useMe } from "../session/session";
import { AttachmentList } from "./AttachmentList";
import { DeliveryMark } from "./DeliveryMark";
import { MessageText } from "./MessageText";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import type { Row } from "./rows";

interface Props {
  readonly row: Extract<Row, { kind: "message" }>;
  readonly room: Room;
  readonly isTarget: boolean;
  readonly isEditing: boolean;
  readonly onReply: (message: Message) => void;
  readonly onEdit: (message: Message | undefined) => void;
}

const QUICK = ["👍", "❤️", "😂"];

/** One message: who, when, what, and what can be done about it. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { row, room, isTarget, isEditing, onEdit } = props;
  const { message, continues, delivery, changing } = row;
  const language = useLanguage();
  const conversation = useConversation();
  const me = useMe();
  const sender = usePerson(message.sender);
  const name = nameOf(sender);
  const failed = delivery?.kind === "failed";
  const called = message.body.mentions?.all || message.body.mentions?.users?.includes(me.id);
  const isPlaced = message.seq < Number.MAX_SAFE_INTEGER;
  const time = new Date(message.at).toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" });

  return (
    <article
      className="message"
      data-continues={continues || undefined}
      data-own={row.own || undefined}
      data-called={called || undefined}
      data-target={isTarget || undefined}
      data-faint={delivery?.kind === "sending" || delivery?.kind === "queued" || changing || undefined}
      data-failed={failed || undefined}
      data-message={message.id}
      aria-label={`${name}, ${time}`}
      tabIndex={-1}
    >
      {continues ? (
        <Time at={message.at} short={time} />
      ) : (
        <button
          type="button"
          className="message-avatar"
          onClick={() => openDialog({ kind: "person", user: message.sender })}
          aria-label={name}
        >
          <Avatar id={message.sender} name={name} picture={sender?.avatar} status={sender?.status} />
        </button>
      )}
      <div className="message-body">
        {!continues && (
          <header className="message-head">
            <button
              type="button"
              className="message-name"
              dir="auto"
              onClick={() => openDialog({ kind: "person", user: message.sender })}
            >
              {name}
            </button>
            <Time at={message.at} short={time} />
          </header>
        )}
        {message.body.reply_to && <Quote room={room.id} message={message.body.reply_to} />}
        {message.deleted_at ? (
          <p className="tombstone">{t("This message was deleted.")}</p>
        ) : isEditing ? (
          <EditBox room={room} message={message} onClose={() => onEdit(undefined)} />
        ) : (
          <>
            {message.body.text && <MessageText text={message.body.text} />}
            {message.edited_at && (
              <button
                type="button"
                className="edited"
                onClick={() => openDialog({ kind: "versions", room: room.id, message: message.id })}
              >
                {t("edited")}
              </button>
            )}
            <AttachmentList attachments={message.body.attachments ?? []} />
            <Reactions room={room.id} message={message} />
          </>
        )}
        {failed && (
          <p className="message-failed" role="alert">
            <Icon name="warning" size={16} />
            <span>{delivery.detail}</span>
            <button type="button" onClick={() => conversation.engine.retry(message.id)}>
              {t("Retry")}
            </button>
            <button type="button" onClick={() => conversation.engine.discard(message.id)}>
              {t("Delete")}
            </button>
          </p>
        )}
      </div>
      {delivery && !failed && <DeliveryMark room={room} message={message} delivery={delivery} />}
      {isPlaced && !message.deleted_at && !isEditing && <Actions {...props} />}
    </article>
  );
});

function Time({ at, short }: { readonly at: string; readonly short: string }) {
  const language = useLanguage();
  const full = new Date(at).toLocaleString(language, { dateStyle: "full", timeStyle: "short" });
  return (
    <time className="message-time" dateTime={at} title={full}>
      {short}
    </time>
  );
}

function Actions({ row, room, onReply, onEdit }: Props) {
  const { message, own } = row;
  const conversation = useConversation();
  const recent = usePreferences(({ recentEmoji }) => recentEmoji);
  const [isOpen, open] = useState(false);
  const moderates = room.role === "owner" || room.role === "moderator";
  const react = (emoji: string) => {
    const mine = message.reactions.some(
      (reaction) => reaction.emoji === emoji && reaction.users.includes(conversation.user),
    );
    usedEmoji(emoji);
    void conversation.react(room.id, message.id, emoji, !mine);
  };
  const act = (key: string | number) => {
    switch (key) {
      case "copy":
        void navigator.clipboard.writeText(message.body.text).then(() => toast(t("Copied")));
        break;
      case "link":
        void navigator.clipboard
          .writeText(`${location.origin}/rooms/${room.id}/${message.seq}`)
          .then(() => toast(t("Link copied")));
        break;
      case "unread":
        conversation.engine.volatile({ type: "mark", room: room.id, unread: message.seq });
        go({ page: "home" });
        break;
      case "delete":
        openDialog({ kind: "delete-message", room: room.id, message });
        break;
    }
  };
  const quick = [...new Set([...recent, ...QUICK])].slice(0, 3);
  return (
    <div className="message-actions" data-open={isOpen || undefined}>
      {quick.map((emoji) => (
        <button
          key={emoji}
          type="button"
          className="icon-button"
          aria-label={t("React with {emoji}", { emoji })}
          onClick={() => react(emoji)}
        >
          {emoji}
        </button>
      ))}
      <EmojiButton label={t("React")} onPick={react} onOpenChange={open} />
      <IconButton icon="reply" label={t("Reply")} onPress={() => onReply(message)} />
      {own && <IconButton icon="edit" label={t("Edit")} onPress={() => onEdit(message)} />}
      <MenuTrigger onOpenChange={open}>
        <IconButton icon="more" label={t("More")} />
        <Popover placement="bottom end">
          <Menu className="menu" onAction={act} aria-label={t("More")}>
            <MenuItem id="copy" className="menu-item">
              <Icon name="copy" size={16} /> {t("Copy text")}
            </MenuItem>
            <MenuItem id="link" className="menu-item">
              <Icon name="link" size={16} /> {t("Copy link")}
            </MenuItem>
            <MenuItem id="unread" className="menu-item">
              <Icon name="bell" size={16} /> {t("Mark unread from here")}
            </MenuItem>
            {(own || moderates) && (
              <MenuItem id="delete" className="menu-item" data-danger>
                <Icon name="delete" size={16} /> {t("Delete")}
              </MenuItem>
            )}
          </Menu>
        </Popover>
      </MenuTrigger>
    </div>
  );
}
