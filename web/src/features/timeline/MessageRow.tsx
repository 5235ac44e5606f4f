import { memo, useState } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { inWords } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Icon } from "../../ui/Icon";
import type { Message, Room } from "../../wire/types";
import { EditBox } from "../composer/EditBox";
import { nameOf, usePerson } from "../people/people";
import { useMe } from "../session/session";
import { AttachmentList } from "./AttachmentList";
import { DeliveryMark } from "./DeliveryMark";
import { LinkCard } from "./LinkCard";
import { MessageActions } from "./MessageActions";
import { MessageText } from "./MessageText";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import type { Row } from "./rows";
import "./message.css";

interface Props {
  readonly row: Extract<Row, { kind: "message" }>;
  readonly room: Room;
  readonly isTarget: boolean;
  readonly isEditing: boolean;
  /** Whether it is the row that Tab leads to. */
  readonly isActive: boolean;
  readonly onReply: (message: Message) => void;
  readonly onEdit: (message: Message | undefined) => void;
}

/** One message: who, when, what, and what can be done about it. */
export const MessageRow = memo(function MessageRow(props: Props) {
  const { row, room, isTarget, isEditing, isActive, onEdit } = props;
  const { message, continues, delivery, changing } = row;
  const locale = useLocale();
  const conversation = useConversation();
  const me = useMe();
  // What can be done is drawn for the row that is pointed at or focused: not for every row.
  const [isNear, setNear] = useState(false);
  const sender = usePerson(message.sender);
  const name = nameOf(sender);
  const failed = delivery?.kind === "failed";
  const called = message.body.mentions?.all || message.body.mentions?.users?.includes(me.id);
  const isPlaced = message.seq < Number.MAX_SAFE_INTEGER;
  const time = new Date(message.at).toLocaleTimeString(locale, { hour: "numeric", minute: "2-digit" });

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
      tabIndex={isActive ? 0 : -1}
      onPointerEnter={() => setNear(true)}
      onFocus={() => setNear(true)}
    >
      {continues ? (
        <Time at={message.at} short={time} />
      ) : (
        <button
          type="button"
          className="message-avatar"
          onClick={() => openDialog({ kind: "person", user: message.sender, room: room.id })}
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
              onClick={() => openDialog({ kind: "person", user: message.sender, room: room.id })}
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
            <MessageText text={message.body.text}>
              {message.edited_at && (
                <button
                  type="button"
                  className="edited"
                  onClick={() => openDialog({ kind: "versions", room: room.id, message: message.id })}
                >
                  {t("edited")}
                </button>
              )}
            </MessageText>
            <LinkCard room={room.id} message={message} isKnown={isPlaced && !changing} />
            <AttachmentList attachments={message.body.attachments ?? []} />
            <Reactions room={room.id} message={message} />
          </>
        )}
        {failed && (
          <p className="message-failed" role="alert">
            <Icon name="warning" size={16} />
            <span>{inWords(delivery.code) ?? delivery.detail}</span>
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
      {isNear && isPlaced && !message.deleted_at && !isEditing && <MessageActions {...props} />}
    </article>
  );
});

function Time({ at, short }: { readonly at: string; readonly short: string }) {
  const locale = useLocale();
  const full = new Date(at).toLocaleString(locale, { dateStyle: "full", timeStyle: "short" });
  return (
    <time className="message-time" dateTime={at} title={full}>
      {short}
    </time>
  );
}
