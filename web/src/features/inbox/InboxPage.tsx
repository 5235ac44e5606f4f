import { t, useLocale } from "../../app/i18n";
import { go, leaveFor } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { NotLoaded } from "../../ui/NotLoaded";
import type { InboxEntry } from "../../wire/types";
import { ago } from "../people/PersonLine";
import { nameOf, usePerson } from "../people/people";
import { useRoom } from "../rooms/rooms";
import { useInbox } from "./inbox";

/** What came while one was away: mentions, replies, direct messages. */
export function InboxPage() {
  const { inbox, query, clear } = useInbox();
  const entries = inbox?.entries ?? [];
  return (
    <section className="page">
      <header className="room-head">
        <span className="only-phone">
          <IconButton icon="back" label={t("Back to the rooms")} onPress={() => leaveFor({ page: "home" })} />
        </span>
        <h1>{t("While you were away")}</h1>
        <span className="spacer" />
        {entries.length > 0 && <Button onPress={clear}>{t("Clear")}</Button>}
      </header>
      <div className="page-body">
        <ul className="cards">
          {entries.map((entry) => (
            <Entry key={`${entry.room}/${entry.message}`} entry={entry} />
          ))}
        </ul>
        <NotLoaded query={query} />
        {inbox && entries.length === 0 && (
          <div className="empty">
            <Icon name="check" size={32} />
            <h2>{t("You have missed nothing")}</h2>
            <p>{t("Mentions, replies and direct messages that come while you are away wait here.")}</p>
          </div>
        )}
      </div>
    </section>
  );
}

function Entry({ entry }: { readonly entry: InboxEntry }) {
  const locale = useLocale();
  const sender = usePerson(entry.sender);
  const room = useRoom(entry.room);
  return (
    <li>
      <button
        type="button"
        className="card"
        onClick={() => go({ page: "room", room: entry.room, seq: entry.seq })}
      >
        <Avatar id={entry.sender} name={nameOf(sender)} picture={sender?.avatar} status={sender?.status} />
        <span className="card-text">
          <span className="field-hint" dir="auto">
            {reason(entry, nameOf(sender), room?.name ?? "…")} · {ago(Date.parse(entry.at), locale)}
          </span>
          <span dir="auto">{entry.excerpt}</span>
        </span>
      </button>
    </li>
  );
}

function reason({ reason }: InboxEntry, name: string, room: string): string {
  switch (reason) {
    case "direct":
      return t("{name} wrote to you", { name });
    case "mention":
      return t("{name} mentioned you in {room}", { name, room });
    case "reply":
      return t("{name} replied to you in {room}", { name, room });
  }
}
