import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from "idb";
import type { Message, Room, User } from "../wire/types";
import type { Interval } from "./intervals";
import type { Operation } from "./outbox";
import type { Position } from "./position";

/** A room as the device remembers it: enough to be read offline, and to resume. */
export interface StoredRoom {
  readonly id: string;
  readonly position: Position;
  /** The newest messages, and which seqs they cover. */
  readonly messages: readonly Message[];
  readonly covered: readonly Interval[];
}

/** What was written and not sent. */
export interface StoredDraft {
  readonly text: string;
  /** The message that it answers. */
  readonly replyTo?: string | undefined;
}

interface Schema extends DBSchema {
  /** Operations that are not stored yet, by id, in the order they were made. */
  outbox: { key: string; value: { order: number; since: number; operation: Operation } };
  rooms: { key: string; value: StoredRoom };
  /** What the lists beside the log are drawn from. */
  lists: { key: string; value: readonly Room[] | readonly User[] };
  /** What was written and not sent, by room. Older versions kept the text alone. */
  drafts: { key: string; value: string | StoredDraft };
}

/** Messages that a device remembers of each room. */
export const REMEMBERED = 200;
/** People that a device remembers: those it has heard of last. */
const PEOPLE = 500;

const VERSION = 2;
const name = (user: string) => `hubbub.${user}`;

/**
 * What a device remembers for one user: the outbox, drafts, and the newest messages of each room.
 *
 * An operation is in the outbox before it goes out and leaves it when it is stored, so a reload, a
 * crash or a flat battery in between loses nothing.
 */
export class Memory {
  private order = 0;

  private constructor(private readonly database: IDBPDatabase<Schema>) {}

  /** Opens the memory of a user. */
  static async open(user: string): Promise<Memory> {
    const database = await openDB<Schema>(name(user), VERSION, {
      upgrade(database) {
        for (const store of ["outbox", "rooms", "lists", "drafts"] as const) {
          if (!database.objectStoreNames.contains(store)) database.createObjectStore(store);
        }
      },
    });
    const memory = new Memory(database);
    const last = (await database.getAll("outbox")).map(({ order }) => order);
    memory.order = Math.max(0, ...last);
    return memory;
  }

  /** Forgets everything of a user. */
  static async erase(user: string): Promise<void> {
    await deleteDB(name(user));
  }

  /** The outbox, in the order it was filled. */
  async operations(): Promise<[Operation, number][]> {
    const all = await this.database.getAll("outbox");
    return all
      .sort((a, b) => a.order - b.order)
      .map(({ operation, since }): [Operation, number] => [operation, since]);
  }

  /** Remembers an operation. Once this is done, it survives a reload. */
  async keep(operation: Operation, since: number): Promise<void> {
    this.order += 1;
    await this.database.put("outbox", { order: this.order, since, operation }, operation.id);
  }

  /** Forgets an operation that is stored or was taken back. */
  async forget(id: string): Promise<void> {
    await this.database.delete("outbox", id);
  }

  /** Every room that is remembered. */
  async rooms(): Promise<StoredRoom[]> {
    return this.database.getAll("rooms");
  }

  /** Remembers rooms as they are now. */
  async keepRooms(rooms: readonly StoredRoom[]): Promise<void> {
    const transaction = this.database.transaction("rooms", "readwrite");
    await Promise.all([...rooms.map((room) => transaction.store.put(room, room.id)), transaction.done]);
  }

  /** Forgets a room that is no longer this user's. */
  async forgetRoom(id: string): Promise<void> {
    await Promise.all([this.database.delete("rooms", id), this.database.delete("drafts", id)]);
  }

  /** The rooms, and the people in them, as the server last told of them. */
  async lists(): Promise<{ rooms: readonly Room[]; people: readonly User[] }> {
    const [rooms, people] = await Promise.all([
      this.database.get("lists", "rooms"),
      this.database.get("lists", "people"),
    ]);
    return { rooms: (rooms ?? []) as readonly Room[], people: (people ?? []) as readonly User[] };
  }

  /** Remembers rooms or people, so that they have their names without a network. */
  async keepList(list: { rooms: readonly Room[] } | { people: readonly User[] }): Promise<void> {
    if ("rooms" in list) await this.database.put("lists", list.rooms, "rooms");
    else await this.database.put("lists", list.people.slice(-PEOPLE), "people");
  }

  /** What was written in a room and not sent. */
  async draft(room: string): Promise<StoredDraft> {
    const kept = await this.database.get("drafts", room);
    return typeof kept === "object" ? kept : { text: kept ?? "" };
  }

  /** Remembers what is being written. */
  async keepDraft(room: string, draft: StoredDraft): Promise<void> {
    if (draft.text === "" && draft.replyTo === undefined) await this.database.delete("drafts", room);
    else await this.database.put("drafts", draft, room);
  }

  /** Closes the database, so that it can be erased. */
  close(): void {
    this.database.close();
  }
}
