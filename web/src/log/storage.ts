import {
  type DBSchema,
  deleteDB,
  type IDBPDatabase,
  type IDBPTransaction,
  openDB,
  type StoreNames,
} from "idb";
import type { Message, Room, User } from "../wire/types";
import type { Interval } from "./intervals";
import type { Failure, Operation } from "./outbox";
import type { Position } from "./position";

/** A room as the device remembers it: enough to be read offline, and to resume. */
export interface StoredRoom {
  readonly id: string;
  readonly position: Position;
  /** The newest messages, and which seqs they cover. */
  readonly messages: readonly Message[];
  readonly covered: readonly Interval[];
}

/** An operation that is not stored by the server yet. */
export interface StoredOperation {
  readonly operation: Operation;
  /** When the person did it, by this device's clock. */
  readonly since: number;
  /** Why it was refused for good, if it was: it does not go out by itself. */
  readonly failure?: Failure | undefined;
}

/** What was written and not sent. */
export interface StoredDraft {
  readonly text: string;
  /** The message that it answers. */
  readonly replyTo?: string | undefined;
}

/** What is known of a file that was attached and not sent. */
export interface StoredUpload {
  readonly key: string;
  readonly room: string;
  /** Ascending among the files of a message. */
  readonly order: number;
  /** When it was attached, in milliseconds since 1970. */
  readonly since: number;
  /** In bytes. */
  readonly size: number;
  /** The tab that carries it. */
  readonly tab: string;
  /** Where the server keeps it, once it has heard of it. */
  readonly place?: string | undefined;
  /** Its id, once all of it is there. */
  readonly attachment?: string | undefined;
  /** Whether its message goes out as soon as all its files are there. */
  readonly isHeld?: boolean | undefined;
}

interface Schema extends DBSchema {
  /** Operations that are not stored yet, by id, in the order they were made. */
  outbox: { key: string; value: StoredOperation & { readonly order: number } };
  rooms: { key: string; value: StoredRoom };
  /** What the lists beside the log are drawn from. */
  lists: { key: string; value: readonly Room[] | readonly User[] };
  /** What was written and not sent, by room. Older versions kept the text alone. */
  drafts: { key: string; value: string | StoredDraft };
  /** Files that were attached and not sent, by key: what is known of them, and their bytes. */
  uploads: { key: string; value: StoredUpload };
  files: { key: string; value: File };
}

const STORES = ["outbox", "rooms", "lists", "drafts", "uploads", "files"] as const;

/** Messages that a device remembers of each room. */
export const REMEMBERED = 200;
/** People that a device remembers: those it has heard of last. */
const PEOPLE = 500;
/** Files that wait to be sent are remembered up to so many bytes in all. */
export const FILES_MOST = 256 * 1024 * 1024;
/** Files that nobody sends are forgotten after so long, in milliseconds. */
export const FILES_KEPT = 7 * 24 * 60 * 60_000;

const VERSION = 3;
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

  /**
   * Opens the memory of a user. `outdated` is called when a newer version of the client, in another tab,
   * wants it in its own shape: this one is closed then.
   */
  static async open(user: string, outdated?: () => void): Promise<Memory> {
    const database = await openDB<Schema>(name(user), VERSION, {
      blocking(_, newer, event) {
        (event.target as IDBDatabase).close();
        if (newer !== null) outdated?.();
      },
      upgrade(database) {
        for (const store of STORES) {
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

  /**
   * Forgets what a user could read here, and their files. What they wrote and did not send, drafts and the
   * outbox, waits until they log in again.
   */
  static async eraseRead(user: string): Promise<void> {
    const memory = await Memory.open(user);
    const stores = ["rooms", "lists", "uploads", "files"] as const;
    const transaction = memory.database.transaction(stores, "readwrite");
    await Promise.all([...stores.map((name) => transaction.objectStore(name).clear()), transaction.done]);
    memory.close();
  }

  /** The outbox, in the order it was filled. */
  async operations(): Promise<readonly StoredOperation[]> {
    const all = await this.database.getAll("outbox");
    return all.sort((a, b) => a.order - b.order);
  }

  /**
   * Remembers an operation. Once this is done, it survives a reload. The files that it sends are
   * forgotten in the same step: they are never here twice, and never lost.
   */
  async keep(operation: Operation, since: number): Promise<void> {
    this.order += 1;
    const entry = { order: this.order, since, operation };
    const attachments = operation.type === "send" ? (operation.body.attachments ?? []) : [];
    if (attachments.length === 0) {
      await this.database.put("outbox", entry, operation.id);
      return;
    }
    const transaction = this.database.transaction(["outbox", "uploads", "files"], "readwrite");
    const put = transaction.objectStore("outbox").put(entry, operation.id);
    await forgetWhere(transaction, ({ attachment }) => attachments.some((id) => id === attachment));
    await Promise.all([put, transaction.done]);
  }

  /** Takes note that an operation was refused for good, or that it is to be tried again, if it is remembered. */
  async keepFailure(id: string, failure: Failure | undefined): Promise<void> {
    const transaction = this.database.transaction("outbox", "readwrite");
    const known = await transaction.store.get(id);
    if (known) await transaction.store.put({ ...known, failure }, id);
    await transaction.done;
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
    const transaction = this.database.transaction(["rooms", "drafts", "uploads", "files"], "readwrite");
    const gone = [transaction.objectStore("rooms").delete(id), transaction.objectStore("drafts").delete(id)];
    await forgetWhere(transaction, ({ room }) => room === id);
    await Promise.all([...gone, transaction.done]);
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

  /** Files that wait to be sent, in their order. Those that have waited for too long are forgotten. */
  async uploads(now: number): Promise<StoredUpload[]> {
    const transaction = this.database.transaction(["uploads", "files"], "readwrite");
    await forgetWhere(transaction, ({ since }) => now - since > FILES_KEPT);
    const kept = await transaction.objectStore("uploads").getAll();
    await transaction.done;
    return kept.sort((a, b) => a.order - b.order);
  }

  /** A file that waits to be sent, unless it has been sent or taken back. */
  async upload(key: string): Promise<{ known: StoredUpload; file: File } | undefined> {
    const transaction = this.database.transaction(["uploads", "files"]);
    const [known, file] = await Promise.all([
      transaction.objectStore("uploads").get(key),
      transaction.objectStore("files").get(key),
    ]);
    return known && file && { known, file };
  }

  /** Remembers a file that waits to be sent. False if there is no room for it. */
  async keepUpload(known: StoredUpload, file: File): Promise<boolean> {
    const transaction = this.database.transaction(["uploads", "files"], "readwrite");
    const others = await transaction.objectStore("uploads").getAll();
    const total = others.reduce((sum, { size }) => sum + size, known.size);
    if (total > FILES_MOST) return false;
    try {
      await Promise.all([
        transaction.objectStore("uploads").put(known, known.key),
        transaction.objectStore("files").put(file, known.key),
        transaction.done,
      ]);
      return true;
    } catch {
      // The device is full, or the file can't be read.
      return false;
    }
  }

  /** Takes note of how a file that waits to be sent stands, if it is remembered. */
  async changeUpload(key: string, change: Partial<StoredUpload>): Promise<void> {
    const transaction = this.database.transaction("uploads", "readwrite");
    const known = await transaction.store.get(key);
    if (known) await transaction.store.put({ ...known, ...change }, key);
    await transaction.done;
  }

  /** Forgets a file that was taken back. */
  async forgetUpload(key: string): Promise<void> {
    const transaction = this.database.transaction(["uploads", "files"], "readwrite");
    await forgetWhere(transaction, (known) => known.key === key);
    await transaction.done;
  }

  /** Closes the database, so that it can be erased. */
  close(): void {
    this.database.close();
  }
}

type Writing = Pick<IDBPTransaction<Schema, StoreNames<Schema>[], "readwrite">, "objectStore">;

async function forgetWhere(transaction: Writing, matches: (known: StoredUpload) => boolean): Promise<void> {
  const uploads = transaction.objectStore("uploads");
  const files = transaction.objectStore("files");
  const keys = (await uploads.getAll()).filter(matches).map(({ key }) => key);
  await Promise.all(keys.flatMap((key) => [uploads.delete(key), files.delete(key)]));
}
