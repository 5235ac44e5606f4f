import { defaultRangeExtractor, useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useConversation, useLink, usePending, useRoomLog } from "../../app/conversation";
import { t, useLanguage } from "../../app/i18n";
import { IconButton } from "../../ui/Button";
import { focusComposer } from "../../ui/focusComposer";
import { Icon } from "../../ui/Icon";
import type { Message, Room } from "../../wire/types";
import { uploaded } from "../composer/uploads";
import { watch } from "../people/people";
import { Announcer } from "./Announcer";
import { DateRow, StickyDate } from "./DateRow";
import { MessageRow } from "./MessageRow";
import { RoomBeginning } from "./RoomBeginning";
import { type Row, reuse, rowsOf } from "./rows";
import { useDestination } from "./useDestination";
import { useKeptAnchor } from "./useKeptAnchor";
import { useLanding } from "./useLanding";
import { useNewAfter } from "./useNewAfter";
import { usePlaces } from "./usePlaces";
import { useReading } from "./useReading";
import { useReceipts } from "./useReceipts";
import { useRoving } from "./useRoving";
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
  const [newAfter, setNewAfter] = useNewAfter(room, log, online, conversation.user);
  const [atEnd, setAtEnd] = useState(true);
  /** The same, before anything is drawn from it. */
  const stays = useRef(true);
  /** How far the reader had come when they were last at the end. */
  const seenUpto = useRef(0);
  const [dismissed, dismiss] = useState(false);

  const receipts = useReceipts(room, log, online);
  const drawn = useRef<readonly Row[]>([]);
  const rows = useMemo(() => {
    void version;
    if (!log) return [];
    const made = rowsOf({
      log: log.timeline.rows(log.head.seq),
      complete: log.timeline.complete,
      pending,
      user: conversation.user,
      online,
      receipts,
      newAfter: newAfter === "unknown" ? undefined : newAfter,
      room: room.id,
      uploaded,
    });
    return reuse(made, drawn.current);
  }, [log, version, pending, online, conversation, newAfter, room.id, receipts]);

  useEffect(() => {
    drawn.current = rows;
  }, [rows]);

  const roving = useRoving({
    rows,
    scroller,
    virtual: () => virtual,
    onKey: (key, { message }) => (key === "reply" ? onReply(message) : onEdit(message)),
  });
  const arrival = useDestination({ room: room.id, log, rows, target, newAfter });
  const landed = arrival.isThere;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => GUESS[rows[index]?.kind ?? "message"],
    getItemKey: (index) => rows[index]?.key ?? index,
    // The row that has the focus stays, wherever the others go.
    rangeExtractor: (range) =>
      [...new Set([...defaultRangeExtractor(range), ...(roving.index >= 0 ? [roving.index] : [])])].sort(
        (a, b) => a - b,
      ),
    overscan: 10,
    anchorTo: "end",
    followOnAppend: true,
    paddingEnd: 12,
    scrollPaddingStart: arrival.inset,
  });
  // Whatever changes its height above the reader, while they scroll up as well, moves nothing.
  virtual.shouldAdjustScrollPositionOnItemSizeChange = ({ start }, _, { scrollOffset }) =>
    start < (scrollOffset ?? 0);
  const items = virtual.getVirtualItems();
  useLanding({ room: room.id, log, rows, newAfter, arrival, virtual, scroller });
  const view = landed ? (virtual.range ?? undefined) : undefined;
  const [first, last] = [view?.startIndex ?? 0, view?.endIndex ?? 0];

  // What is not loaded loads itself when it comes near.
  useEffect(() => {
    const near = rows.slice(Math.max(0, first - LOAD_AHEAD), last + LOAD_AHEAD + 1);
    const at = near.findIndex(({ kind }) => kind === "gap");
    const gap = near[at];
    if (gap?.kind !== "gap") return;
    const isBelow = gap.after > 0 && at > near.length / 2;
    const request = isBelow
      ? ({ kind: "after", seq: gap.after } as const)
      : ({ kind: "before", seq: gap.before } as const);
    void conversation.engine.load(room.id, request);
  }, [first, last, rows, conversation, room.id]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    stays.current = left < AT_END;
    setAtEnd(stays.current);
    if (stays.current) seenUpto.current = log?.position.seq ?? 0;
  };
  // Where they have landed is known at once: what comes before the list says so would take them to the end.
  useLayoutEffect(() => {
    if (landed) onScroll();
  }, [landed]);

  // Who is at the end stays there when the room to read in shrinks: a keyboard, a reply, a long draft.
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (stays.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Where old messages leave the memory as new ones come, the list itself does not follow: what stands
  // before the first message, a gap, is not what it expects.
  const beginning = rows.find(({ kind }) => kind === "message")?.key;
  const hasLanded = useRef(landed);
  hasLanded.current = landed;
  useLayoutEffect(() => {
    if (beginning !== undefined && hasLanded.current && stays.current) virtual.scrollToEnd();
  }, [beginning, virtual]);

  useKeptAnchor({ room: room.id, rows, virtual, isThere: landed, atEnd });
  // What is far from where the reader is may leave the memory.
  const top = rows.slice(first, last + 1).find((row) => row.kind === "message");
  const topSeq = top?.kind === "message" ? top.message.seq : undefined;
  useEffect(() => {
    if (!log) return;
    log.lookedAt = atEnd ? undefined : topSeq;
    return () => {
      log.lookedAt = undefined;
    };
  }, [log, atEnd, topSeq]);

  useReading({ room: room.id, rows, view, atEnd: atEnd && landed });

  const toEnd = () => {
    setNewAfter(undefined);
    if (log && log.timeline.intervals().at(-1)?.to !== log.head.seq) {
      void conversation.engine.load(room.id, { kind: "latest" });
    }
    virtual.scrollToIndex(rows.length - 1, { align: "end" });
  };

  // Who says something sees it, wherever they were.
  const sent = pending.findLast(({ operation }) => operation.type === "send")?.operation.id;
  const lastSent = useRef(sent);
  useEffect(() => {
    if (sent === undefined || sent === lastSent.current) return;
    lastSent.current = sent;
    toEnd();
  });

  // A message that is being edited is in view.
  useEffect(() => {
    const index = rows.findIndex((row) => row.kind === "message" && row.message.id === editing);
    if (editing !== undefined && index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    // Only when the editing begins: what comes meanwhile does not move the reader.
  }, [editing]);

  // Those whose rows are on screen are watched.
  const authors = useMemo(() => {
    const shown = items.flatMap(({ index }) => {
      const row = rows[index];
      return row?.kind === "message" ? row.message.sender : [];
    });
    return [...new Set(shown)].sort().join(" ");
  }, [items, rows]);
  useEffect(() => watch(conversation, authors.split(" ").filter(Boolean)), [conversation, authors]);

  usePlaces(scroller, rows, log?.timeline.complete === true);
  const isLoading = !log || (log.timeline.size === 0 && !log.timeline.complete && pending.length === 0);
  const fresh = atEnd || seenUpto.current === 0 ? 0 : othersAfter(rows, seenUpto.current);
  const divider = rows.findIndex(({ kind }) => kind === "new");
  const day = dayAt(rows, first);
  return (
    <div className="timeline-frame">
      {landed && day !== undefined && <StickyDate day={day} />}
      {landed && divider >= 0 && divider < first && !dismissed && (
        <div className="to-unread">
          <button
            type="button"
            onClick={() => {
              dismiss(true);
              virtual.scrollToIndex(divider, { align: "start" });
            }}
          >
            <Icon name="up" size={16} /> {t("Jump to the first unread")}
          </button>
          <IconButton icon="close" size={14} label={t("Dismiss")} onPress={() => dismiss(true)} />
        </div>
      )}
      <div
        className="timeline"
        ref={scroller}
        onScroll={onScroll}
        role="log"
        aria-live="off"
        aria-label={t("Messages in {room}", { room: room.name })}
        tabIndex={roving.key === undefined ? 0 : -1}
        onFocus={roving.onFocus}
        onBlur={roving.onBlur}
        onKeyDown={roving.onKeyDown}
      >
        {isLoading || (newAfter === "unknown" && rows.length === 0) ? (
          <Skeletons />
        ) : (
          <div
            className="timeline-space"
            data-shown={arrival.hasLanded || undefined}
            style={{ height: virtual.getTotalSize() }}
          >
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
                    active={roving.key}
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
        <button
          type="button"
          className="to-end"
          onClick={() => {
            toEnd();
            focusComposer();
          }}
        >
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

interface RowProps extends Props {
  readonly row: Row;
  readonly active: string | undefined;
}

function RowView({ row, room, target, active, onReply, editing, onEdit }: RowProps) {
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
          isActive={row.key === active}
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

/** How many messages of others come after a seq. */
function othersAfter(rows: readonly Row[], seq: number): number {
  return rows.filter((row) => row.kind === "message" && !row.own && row.message.seq > seq).length;
}

/** The day of the first row in view, unless its date can be seen anyway. */
function dayAt(rows: readonly Row[], first: number): string | undefined {
  if (rows[first]?.kind === "date" || rows[first]?.kind === "beginning") return undefined;
  for (let index = Math.min(first, rows.length) - 1; index >= 0; index -= 1) {
    const row = rows[index];
    if (row?.kind === "date") return row.day;
  }
  return undefined;
}
