import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useConversation, useLink, usePending, useRoomLog } from "../../app/conversation";
import { t, useLanguage } from "../../app/i18n";
import { Icon } from "../../ui/Icon";
import type { Message, Room } from "../../wire/types";
import { watch } from "../people/people";
import { Announcer } from "./Announcer";
import { DateRow } from "./DateRow";
import { MessageRow } from "./MessageRow";
import { RoomBeginning } from "./RoomBeginning";
import { type Row, rowsOf } from "./rows";
import { useReading } from "./useReading";
import "./timeline.css";

interface Props {
  readonly room: Room;
  /** A message to go to. */
  readonly target: number | undefined;
  readonly onReply: (message: Message) => void;
  readonly editing: string | undefined;
  readonly onEdit: (message: Message | undefined) => void;
}

/** How far from the end still counts as being at the end, in pixels. */
const AT_END = 48;
/** Rows from an end at which more is loaded. */
const LOAD_AHEAD = 8;
const GUESS: Record<Row["kind"], number> = { beginning: 140, gap: 64, date: 40, new: 28, message: 52 };

/** The messages of a room: a window onto its log that never jumps. */
export function Timeline({ room, target, onReply, editing, onEdit }: Props) {
  useLanguage();
  const conversation = useConversation();
  const { room: log, version } = useRoomLog(room.id);
  const pending = usePending(room.id);
  const online = useLink().kind === "online";
  const scroller = useRef<HTMLDivElement>(null);
  const [newAfter, setNewAfter] = useState(() => firstUnread(room, log?.standing));
  const [atEnd, setAtEnd] = useState(true);
  const [seenUpto, setSeenUpto] = useState(0);

  const rows = useMemo(() => {
    void version;
    if (!log) return [];
    const others = [...log.marks.values()].filter(({ user }) => user !== conversation.user);
    return rowsOf({
      log: log.timeline.rows(log.head.seq),
      complete: log.timeline.complete,
      pending,
      user: conversation.user,
      online,
      delivered: Math.max(0, ...others.map(({ delivered }) => delivered)),
      read: Math.max(0, ...others.map(({ read }) => read)),
      newAfter,
      room: room.id,
    });
  }, [log, version, pending, online, conversation, newAfter, room.id]);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => GUESS[rows[index]?.kind ?? "message"],
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 10,
    anchorTo: "end",
    followOnAppend: true,
    paddingEnd: 12,
  });
  const items = virtual.getVirtualItems();

  // The newest page, or the one around what is looked for.
  useEffect(() => {
    if (!log) return;
    const head = log.head.seq;
    if (target !== undefined) {
      if (!log.timeline.bySeq(target))
        void conversation.engine.load(room.id, { kind: "around", seq: target });
    } else if (log.timeline.intervals().at(-1)?.to !== head || log.timeline.messages().length === 0) {
      const first = newAfter !== undefined && newAfter > 0 ? newAfter : undefined;
      void conversation.engine.load(
        room.id,
        first === undefined ? { kind: "latest" } : { kind: "around", seq: first },
      );
      if (first !== undefined) void conversation.engine.load(room.id, { kind: "latest" });
    }
  }, [room.id, target, log, conversation, newAfter]);

  // Where the reader lands: at what they look for, at the first unread, else at the end.
  const landed = useRef<string>(undefined);
  useLayoutEffect(() => {
    const goal = target ?? "end";
    const place = `${room.id}/${goal}`;
    if (landed.current === place || rows.length === 0) return;
    const wanted =
      target === undefined
        ? rows.findIndex(({ kind }) => kind === "new")
        : rows.findIndex((row) => row.kind === "message" && row.message.seq === target);
    if (target !== undefined && wanted < 0) return;
    landed.current = place;
    if (wanted >= 0) virtual.scrollToIndex(wanted, { align: target === undefined ? "start" : "center" });
    else virtual.scrollToIndex(rows.length - 1, { align: "end" });
  }, [room.id, target, rows, virtual]);

  // What is not loaded loads itself when it comes into view.
  useEffect(() => {
    const visible = items.slice(0, LOAD_AHEAD).concat(items.slice(-LOAD_AHEAD));
    for (const { index } of visible) {
      const row = rows[index];
      if (row?.kind !== "gap") continue;
      const nearEnd = row.after > 0 && index >= (items[Math.floor(items.length / 2)]?.index ?? 0);
      void conversation.engine.load(
        room.id,
        nearEnd ? { kind: "after", seq: row.after } : { kind: "before", seq: row.before },
      );
      return;
    }
  }, [items, rows, conversation, room.id]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    setAtEnd(left < AT_END);
    if (left < AT_END) setSeenUpto(log?.position.seq ?? 0);
  };

  useReading({ room: room.id, rows, items, atEnd });

  // Those whose rows are on screen are watched.
  const authors = useMemo(() => {
    const shown = items.flatMap(({ index }) => {
      const row = rows[index];
      return row?.kind === "message" ? row.message.sender : [];
    });
    return [...new Set(shown)].sort().join(" ");
  }, [items, rows]);
  useEffect(() => watch(conversation, authors.split(" ").filter(Boolean)), [conversation, authors]);

  const toEnd = () => {
    setNewAfter(undefined);
    if (log && log.timeline.intervals().at(-1)?.to !== log.head.seq) {
      void conversation.engine.load(room.id, { kind: "latest" });
    }
    virtual.scrollToIndex(rows.length - 1, { align: "end" });
  };

  const isLoading =
    !log || (log.timeline.messages().length === 0 && !log.timeline.complete && pending.length === 0);
  const fresh = rows.filter(
    (row) => row.kind === "message" && !row.own && row.message.seq > seenUpto && seenUpto > 0,
  ).length;
  return (
    <div className="timeline-frame">
      <div
        className="timeline"
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={t("Messages in {room}", { room: room.name })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region must be reachable by keyboard
        tabIndex={0}
      >
        {isLoading ? (
          <Skeletons />
        ) : (
          <div className="timeline-space" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className="timeline-row"
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <RowView
                    row={row}
                    room={room}
                    target={target}
                    onReply={onReply}
                    editing={editing}
                    onEdit={onEdit}
                  />
                </div>
              );
            })}
          </div>
        )}
      </div>
      {!atEnd && (
        <button type="button" className="to-end" onClick={toEnd}>
          <Icon name="down" size={16} />
          {fresh > 0
            ? t("{fresh, plural, one {# new message} other {# new messages}}", { fresh })
            : t("Jump to present")}
        </button>
      )}
      <Announcer room={room.id} />
    </div>
  );
}

function RowView({ row, room, target, onReply, editing, onEdit }: Props & { readonly row: Row }) {
  switch (row.kind) {
    case "beginning":
      return <RoomBeginning room={room} />;
    case "date":
      return <DateRow day={row.day} />;
    case "new":
      return (
        <div className="new-divider">
          <span>{t("New")}</span>
        </div>
      );
    case "gap":
      return <Skeletons count={1} />;
    case "message":
      return (
        <MessageRow
          row={row}
          room={room}
          isTarget={row.message.seq === target}
          isEditing={editing === row.message.id}
          onReply={onReply}
          onEdit={onEdit}
        />
      );
  }
}

function Skeletons({ count = 6 }: { readonly count?: number }) {
  return (
    <div className="timeline-skeletons" aria-hidden="true">
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className="timeline-skeleton">
          <span className="skeleton" />
          <span className="skeleton" data-length={index % 3} />
        </div>
      ))}
    </div>
  );
}

/** Where what is new begins for the reader; fixed when they come in. */
function firstUnread(
  room: Room,
  standing: { read: number; unreadFrom: number | undefined } | undefined,
): number | undefined {
  const read = standing?.read ?? room.read;
  const marked = standing?.unreadFrom;
  return marked === undefined ? read : Math.min(read, marked - 1);
}
