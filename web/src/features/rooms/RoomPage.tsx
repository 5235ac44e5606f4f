import { useCallback, useEffect, useState } from "react";
import { useConversation, useRoomLog } from "../../app/conversation";
import { t, useLocale } from "../../app/i18n";
import { go, leaveFor, show, useLocation } from "../../app/router";
import { IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { NotLoaded } from "../../ui/NotLoaded";
import { toast } from "../../ui/Toasts";
import type { Message, Room } from "../../wire/types";
import { Composer } from "../composer/Composer";
import { DropTarget } from "../composer/DropTarget";
import { writeDraft } from "../composer/drafts";
import { doing } from "../people/PersonLine";
import { Timeline } from "../timeline/Timeline";
import { TypingLine } from "../timeline/TypingLine";
import { FirstSteps } from "./FirstSteps";
import { keepLastRoom } from "./lastRoom";
import { NotYours } from "./NotYours";
import { RoomAvatar, useOther } from "./RoomAvatar";
import { useRoom, useRooms } from "./rooms";
import { SlowModeNote } from "./SlowModeNote";
import { useMuted } from "./useMuted";
import "./room.css";

interface Props {
  readonly id: string;
  readonly target: number | undefined;
}

/** A room: who is in it, what was said, and where to say something. */
export function RoomPage({ id, target }: Props) {
  const room = useRoom(id);
  const { query } = useRooms();
  const conversation = useConversation();
  const { engine, user } = conversation;
  const [editing, setEditing] = useState<string>();

  useEffect(() => {
    let destroyed = false;
    return engine.onUpdate((update) => {
      if (update.kind === "room" && update.change.room === id) destroyed ||= update.change.destroyed === true;
      if (update.kind !== "gone" || update.room !== id) return;
      toast(destroyed ? t("This room was destroyed.") : t("You are no longer in this room."));
      go({ page: "home" }, undefined, true);
    });
  }, [engine, id]);

  const reply = useCallback(
    (message: Message) => writeDraft(conversation, id, { replyTo: message.id }),
    [conversation, id],
  );

  const edit = useCallback((message: Message | undefined) => setEditing(message?.id), []);

  const isMember = room !== undefined;
  useEffect(() => {
    if (isMember) keepLastRoom(id);
  }, [id, isMember]);

  if (!room) return query.data ? <NotYours id={id} /> : <NotLoaded query={query} />;
  const editLast = () => {
    const own = engine.room(id)?.timeline.messages() ?? [];
    const last = own.findLast((message) => message.sender === user && !message.deleted_at);
    if (last) setEditing(last.id);
  };
  return (
    <DropTarget room={room}>
      <RoomHead room={room} />
      <Timeline room={room} target={target} onReply={reply} editing={editing} onEdit={edit} />
      <FirstSteps room={room} />
      <Below room={room} />
      <Composer room={room} onEditLast={editLast} />
    </DropTarget>
  );
}

/** What goes on in the room, between what was said and where one writes. It is always as high. */
function Below({ room }: { readonly room: Room }) {
  useMuted(room);
  return (
    <div className="room-below">
      <TypingLine room={room} />
      <SlowModeNote room={room} />
    </div>
  );
}

function RoomHead({ room }: { readonly room: Room }) {
  const { panel } = useLocation();
  const { room: log } = useRoomLog(room.id);
  void log;
  const direct = room.kind === "direct" || room.kind === "group";
  const other = useOther(room);
  const locale = useLocale();
  const about = room.kind === "direct" && other ? other.status_text || doing(other, locale) : room.topic;
  const toggle = (name: "people" | "details" | "search") => show(panel === name ? undefined : name);
  return (
    <header className="room-head">
      <span className="only-phone">
        <IconButton icon="back" label={t("Back to the rooms")} onPress={() => leaveFor({ page: "home" })} />
      </span>
      <button type="button" className="room-title" onClick={() => toggle("details")}>
        {direct ? (
          <RoomAvatar room={room} size="small" />
        ) : (
          <Icon name={room.kind === "private" ? "lock" : "hash"} size={18} />
        )}
        <h1 dir="auto">{room.name}</h1>
        {about && (
          <span className="room-topic" dir="auto">
            {about}
          </span>
        )}
      </button>
      <IconButton icon="search" label={t("Search")} onPress={() => toggle("search")} />
      {room.kind !== "direct" && (
        <button
          type="button"
          className="room-count"
          aria-pressed={panel === "people"}
          aria-label={t("{members, plural, one {# member} other {# members}}", { members: room.members })}
          onClick={() => toggle("people")}
        >
          <Icon name="people" size={18} /> {room.members}
        </button>
      )}
    </header>
  );
}
