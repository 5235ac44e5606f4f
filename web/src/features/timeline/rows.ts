import { apply } from "../../log/changes";
import type { Pending } from "../../log/outbox";
import type { Row as LogRow } from "../../log/timeline";
import type { Attachment, ErrorCode, Message } from "../../wire/types";
import { isWithin, type Receipts } from "./receipts";

/** How far one's own message has come. */
export type Delivery =
  | { kind: "queued" | "sending" | "sent" | "delivered" | "read" }
  | { kind: "failed"; code: ErrorCode; detail: string };

/** One row of the list of messages. The key stays the same while a message is sent and stored. */
export type Row =
  | { kind: "beginning"; key: string }
  | { kind: "gap"; key: string; after: number; before: number }
  | { kind: "date"; key: string; day: string }
  | { kind: "new"; key: string }
  | {
      kind: "message";
      key: string;
      message: Message;
      /** Whether it continues what the same person said just before: no picture, no name. */
      continues: boolean;
      own: boolean;
      delivery: Delivery | undefined;
      /** Whether an edit or a deletion of it is on its way. */
      changing: boolean;
    };

/** What the rows are made of. */
export interface Source {
  readonly log: readonly LogRow[];
  readonly complete: boolean;
  readonly pending: readonly Pending[];
  readonly user: string;
  readonly online: boolean;
  /** How far the others have come. */
  readonly receipts: Receipts;
  /** The seq after which everything is new to the reader; fixed when they came in. */
  readonly newAfter: number | undefined;
  readonly room: string;
  /** A file that went out with a message of this tab. */
  readonly uploaded?: (id: string) => Attachment | undefined;
}

/** Messages by one person within this time are a group. */
const GROUP = 5 * 60_000;

/** Makes the rows: messages in order, then what is on its way, with dates, groups and gaps. */
export function rowsOf(source: Source): Row[] {
  const rows: Row[] = source.complete ? [{ kind: "beginning", key: "beginning" }] : [];
  let before: Message | undefined;
  let lastDay: string | undefined;
  let marked = false;
  const days = new Set<string>();

  const add = (message: Message, delivery: Delivery | undefined, changing: boolean) => {
    const day = dayOf(message.at);
    const newDay = day !== lastDay;
    lastDay = day;
    // The same day may come twice, before a gap and after it.
    if (newDay)
      rows.push({ kind: "date", key: days.has(day) ? `date-${day}-${message.id}` : `date-${day}`, day });
    days.add(day);
    const own = message.sender === source.user;
    const isNew = source.newAfter !== undefined && message.seq > source.newAfter && !own;
    if (isNew && !marked) rows.push({ kind: "new", key: "new" });
    const divided = newDay || (isNew && !marked);
    marked ||= isNew;
    const continues = !divided && before !== undefined && belongsTo(message, before);
    rows.push({ kind: "message", key: message.id, message, continues, own, delivery, changing });
    before = message;
  };

  for (const row of source.log) {
    if (row.kind === "gap") {
      rows.push({ kind: "gap", key: `gap-${row.after}`, after: row.after, before: row.before });
      before = undefined;
      continue;
    }
    const { message, changing } = overlay(row.message, source);
    const own = message.sender === source.user && !message.deleted_at;
    add(message, own ? deliveryOf(message, source) : undefined, changing);
  }
  const known = new Set(source.log.flatMap((row) => (row.kind === "message" ? row.message.id : [])));
  for (const pending of source.pending) {
    const { operation } = pending;
    if (operation.type !== "send" || known.has(operation.id)) continue;
    add(draftOf(pending, source), pendingDelivery(pending, source.online), false);
  }
  return rows;
}

/** Rows that are what they were before stay the same objects, so that nobody draws them again. */
export function reuse(rows: Row[], before: readonly Row[]): Row[] {
  const known = new Map(before.map((row) => [row.key, row]));
  return rows.map((row) => {
    const old = known.get(row.key);
    return old && isSame(row, old) ? old : row;
  });
}

function isSame(row: Row, old: Row): boolean {
  if (row.kind === "message" && old.kind === "message") {
    return (
      row.message === old.message &&
      row.continues === old.continues &&
      row.changing === old.changing &&
      row.delivery?.kind === old.delivery?.kind &&
      row.delivery?.kind !== "failed"
    );
  }
  if (row.kind === "gap" && old.kind === "gap") return row.after === old.after && row.before === old.before;
  // The others are what their key says.
  return row.kind === old.kind && row.kind !== "message";
}

/** A message with what its reader has done to it and the server has not told of yet. */
function overlay(message: Message, source: Source): { message: Message; changing: boolean } {
  let shown = message;
  let changing = false;
  for (const { operation, state } of source.pending) {
    if (operation.type === "send" || operation.message !== message.id) continue;
    if (state.kind === "failed") continue;
    changing ||= operation.type !== "react";
    // The log has it already, and maybe what came after it.
    if (state.kind === "placed") continue;
    const header = { room: source.room, epoch: 0, seq: 0, id: operation.id, sender: source.user };
    const change = { ...header, at: message.edited_at ?? message.at, message: message.id };
    if (operation.type === "edit") {
      const body = { text: operation.body.text ?? "", mentions: message.body.mentions ?? {} };
      shown = apply(shown, { type: "edited", ...change, body });
    } else if (operation.type === "react") {
      const { emoji, on } = operation;
      shown = apply(shown, { type: "reaction", ...change, emoji, on });
    }
  }
  return { message: shown, changing };
}

function deliveryOf(message: Message, source: Source): Delivery {
  const pending = source.pending.find(({ operation }) => operation.id === message.id);
  if (pending) return { kind: "sending" };
  const { read, delivered } = source.receipts;
  if (isWithin(read, message.seq)) return { kind: "read" };
  return { kind: isWithin(delivered, message.seq) ? "delivered" : "sent" };
}

function pendingDelivery({ state }: Pending, online: boolean): Delivery {
  if (state.kind === "failed") return { kind: "failed", code: state.code, detail: state.detail };
  return { kind: online ? "sending" : "queued" };
}

/** What one has just said, as it will be shown once it has its place. */
function draftOf({ operation, since }: Pending, { user, uploaded }: Source): Message {
  if (operation.type !== "send") throw new Error("only what is said is shown as a message");
  const { id, room, body } = operation;
  const at = new Date(since).toISOString();
  return {
    room,
    epoch: Number.MAX_SAFE_INTEGER,
    seq: Number.MAX_SAFE_INTEGER,
    id,
    sender: user,
    at,
    body: {
      text: body.text ?? "",
      attachments: (body.attachments ?? []).flatMap((id) => uploaded?.(id) ?? []),
      ...(body.reply_to ? { reply_to: body.reply_to } : {}),
    },
    reactions: [],
  } as Message;
}

function belongsTo(message: Message, before: Message): boolean {
  const near = Date.parse(message.at) - Date.parse(before.at) < GROUP;
  const plain = !message.body.reply_to && !before.deleted_at && !message.deleted_at;
  return message.sender === before.sender && near && plain;
}

/** The day of a time where the reader is, as `YYYY-MM-DD`. */
export function dayOf(at: string): string {
  const date = new Date(at);
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}
