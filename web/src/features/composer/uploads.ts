import { create } from "zustand";
import { inWords } from "../../app/explain";
import { t } from "../../app/i18n";
import type { Memory, StoredUpload } from "../../log/storage";
import { toast } from "../../ui/Toasts";
import { authorized, dropSilent, Refused } from "../../wire/exchange";
import { type Obstacle, Perseverance, passing } from "../../wire/persevere";
import { FileGone, Tus } from "../../wire/tus";
import type { Attachment } from "../../wire/types";
import { api, useSession } from "../session/session";
import { Keeping } from "./keeping";
import { Turns } from "./turns";

/** A file on its way to the server. */
export interface Upload {
  readonly key: string;
  readonly room: string;
  readonly file: File;
  /** Ascending among the files of a message. */
  readonly order: number;
  /** Whether the device remembers it over a reload; nothing, while it is finding out. */
  readonly isKept: boolean | undefined;
  /** Whether its message goes out as soon as all its files are there. */
  readonly isHeld?: boolean;
  /** A picture of it, to be shown before it is sent. */
  readonly preview: string | undefined;
  readonly state:
    | { kind: "sending"; progress: number }
    /** It goes on by itself. */
    | { kind: "waiting"; progress: number; for: Obstacle }
    | { kind: "done"; attachment: Attachment }
    | { kind: "failed"; detail: string };
}

/** What carries one file. */
interface Carrier {
  readonly tus: Tus;
  readonly perseverance: Perseverance;
  /** Ends the attempts. */
  readonly stop: AbortController;
}

/** Files that are sent at the same time: a browser has six connections, and others need some. */
const AT_A_TIME = 3;

/** This tab's name, which it keeps over a reload. */
const TAB = "hubbub.tab";

const useStore = create<{ uploads: readonly Upload[] }>(() => ({ uploads: [] }));
const carriers = new Map<string, Carrier>();
/** Removals that the server has not heard of yet. */
const endings = new Set<Perseverance>();
const turns = new Turns(AT_A_TIME);
const send = authorized(api);
/** What the device remembers of files; nothing outside a session. */
let keeping: Keeping | undefined;
/** Bounds until the server has told its own. */
const bounds = { bytes: 50 * 1024 * 1024, count: 10 };

/** Takes the server's bounds. */
export function boundUploads(bytes: number, count: number): void {
  bounds.bytes = bytes;
  bounds.count = count;
}

/** What may be attached, in words. */
export function boundsInWords(): string {
  return t("Up to {count} files of {most} MB each", { count: bounds.count, most: megabytes(bounds.bytes) });
}

/** The files that wait to be sent into a room. */
export function useUploads(room: string): { list: readonly Upload[]; add: (files: File[]) => void } {
  const uploads = useStore((state) => state.uploads);
  return {
    list: uploads.filter((upload) => upload.room === room),
    add: (files) => add(room, files),
  };
}

function add(room: string, files: readonly File[]): void {
  const free = bounds.count - of(room).length;
  if (files.length > free) toast(t("At most {count} files go with one message.", bounds));
  for (const file of files.slice(0, free)) {
    if (file.size > bounds.bytes) {
      const most = megabytes(bounds.bytes);
      toast(t("{name} is too large: the most is {most} MB.", { name: file.name, most }));
      continue;
    }
    const key = crypto.randomUUID();
    const order = Math.max(0, ...of(room).map(({ order }) => order)) + 1;
    const upload = enlist({ key, room, file, order, isKept: undefined });
    void keep(upload);
    void carry(upload);
  }
}

function enlist(made: Omit<Upload, "preview" | "state">, progress = 0): Upload {
  const preview = made.file.type.startsWith("image/") ? URL.createObjectURL(made.file) : undefined;
  const upload: Upload = { ...made, preview, state: { kind: "sending", progress } };
  useStore.setState(({ uploads }) => ({ uploads: inOrder([...uploads, upload]) }));
  return upload;
}

async function keep({ key, room, file, order, state }: Upload): Promise<void> {
  const known = { key, room, order, since: Date.now(), ...standing(state) };
  const isKept = (await keeping?.keep(known, file)) ?? false;
  const now = find(key);
  if (!now) {
    // It was taken back meanwhile.
    await keeping?.forget(key);
    return;
  }
  become(key, { isKept });
  const place = carriers.get(key)?.tus.place;
  note(key, { order: now.order, isHeld: now.isHeld, place, ...standing(now.state) });
}

/** What is remembered of how far a file has come. */
function standing(state: Upload["state"]): Pick<StoredUpload, "attachment"> {
  return state.kind === "done" ? { attachment: state.attachment.id } : {};
}

/**
 * Takes up the files that the device remembers, and those that other tabs leave behind. Resolves with the
 * rooms whose message was to go out as soon as its files are there.
 */
export async function recallUploads(memory: Memory): Promise<string[]> {
  const tab = sessionStorage.getItem(TAB) ?? crypto.randomUUID();
  sessionStorage.setItem(TAB, tab);
  keeping?.end();
  keeping = new Keeping(memory, tab);
  const held = new Set<string>();
  await keeping.recall((known, file) => {
    const { key, room, order, place, attachment, isHeld } = known;
    if (find(key)) return;
    if (isHeld) held.add(room);
    // What the server has all of may have waited for too long there: that is looked at first.
    void carry(enlist({ key, room, file, order, isKept: true }, attachment ? 1 : 0), place);
  });
  return [...held];
}

/** Notes whether a room's message goes out as soon as its files are there. */
export function hold(room: string, isHeld: boolean): void {
  for (const { key } of of(room)) {
    become(key, { isHeld });
    note(key, { isHeld });
  }
}

/** Goes on with one that has failed, from where the server has it. */
export function again(upload: Upload): void {
  stands(upload.key, { kind: "sending", progress: 0 });
  void carry(upload);
}

/** Takes one back, from the server as well. */
export function cancel(upload: Upload): void {
  const carrier = carriers.get(upload.key);
  drop(upload);
  void keeping?.forget(upload.key);
  carrier?.stop.abort();
  if (!carrier) return;
  // However long the network is away: until then the file takes some of the person's space.
  const { signal } = new AbortController();
  const ending = new Perseverance();
  endings.add(ending);
  void ending
    .run({ attempt: () => carrier.tus.end(signal), onWait: () => undefined, signal })
    .catch(() => undefined)
    .finally(() => endings.delete(ending));
}

/** Puts a file before the one that is now at `index` among its room's; behind all of them at their number. */
export function move(room: string, key: string, index: number): void {
  const mine = of(room);
  const moved = mine.find((upload) => upload.key === key);
  if (!moved) return;
  const before = mine.slice(0, index).filter((upload) => upload !== moved);
  const after = mine.slice(index).filter((upload) => upload !== moved);
  const places = mine.map(({ order }) => order);
  for (const [place, { key }] of [...before, moved, ...after].entries()) {
    const order = places[place] ?? place;
    become(key, { order });
    note(key, { order });
  }
}

/** Resolves when none of a room's files is on its way any more. Rejects with the signal's reason. */
export function settled(room: string, signal: AbortSignal): Promise<void> {
  const isSettled = () => of(room).every(({ state }) => state.kind === "done" || state.kind === "failed");
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!isSettled()) return;
      stop();
      resolve();
    };
    const stop = useStore.subscribe(look);
    signal.addEventListener("abort", () => {
      stop();
      reject(signal.reason);
    });
    look();
  });
}

/** Files that go out with a message. */
export interface Taken {
  readonly ids: readonly string[];
  /** The message is on its way. */
  readonly sent: () => void;
  /** It is not: they wait again. */
  readonly giveBack: () => void;
}

/** Takes a room's files from the list, in their order; nothing if one of them is not there. */
export function take(room: string): Taken | undefined {
  const all = of(room);
  const attachments = all.flatMap(({ state }) => (state.kind === "done" ? state.attachment : []));
  if (attachments.length < all.length) return undefined;
  for (const attachment of attachments) known.set(attachment.id, attachment);
  const taken = all.map((upload) => ({ upload, carrier: carriers.get(upload.key) }));
  for (const upload of all) drop(upload);
  return {
    ids: attachments.map(({ id }) => id),
    sent: () => {
      for (const { key } of all) keeping?.release(key);
    },
    giveBack: () => {
      for (const { upload, carrier } of taken) {
        enlist({ ...upload, isKept: undefined });
        if (carrier) carriers.set(upload.key, carrier);
        stands(upload.key, upload.state);
        void keep(upload);
      }
    },
  };
}

/** What went out with messages of this tab: they show it before the server has told of them. */
const known = new Map<string, Attachment>();

/** A file that was uploaded in this tab. */
export function uploaded(id: string): Attachment | undefined {
  return known.get(id);
}

/** Tries at once what waits: the network may be back. */
export function wakeUploads(): void {
  dropSilent();
  for (const { perseverance } of carriers.values()) perseverance.wake();
  for (const ending of endings) ending.wake();
}

/** Whether leaving the page now would lose files. */
export function losesUploads(): boolean {
  return useStore.getState().uploads.some(({ isKept }) => !isKept);
}

// What somebody was sending ends with their session. What the device remembers of it is theirs.
useSession.subscribe(({ kind }) => {
  if (kind === "somebody") return;
  keeping?.end();
  keeping = undefined;
  for (const { stop } of carriers.values()) stop.abort();
  for (const upload of useStore.getState().uploads) drop(upload);
});

function of(room: string): readonly Upload[] {
  return useStore.getState().uploads.filter((upload) => upload.room === room);
}

function drop({ key, preview }: Upload): void {
  carriers.delete(key);
  if (preview) URL.revokeObjectURL(preview);
  useStore.setState(({ uploads }) => ({ uploads: uploads.filter((upload) => upload.key !== key) }));
}

function find(key: string): Upload | undefined {
  return useStore.getState().uploads.find((upload) => upload.key === key);
}

function become(key: string, change: Partial<Upload>): void {
  useStore.setState(({ uploads }) => ({
    uploads: inOrder(uploads.map((upload) => (upload.key === key ? { ...upload, ...change } : upload))),
  }));
}

function inOrder(uploads: readonly Upload[]): readonly Upload[] {
  return [...uploads].sort((a, b) => a.order - b.order);
}

function stands(key: string, state: Upload["state"]): void {
  become(key, { state });
}

function note(key: string, change: Partial<StoredUpload>): void {
  keeping?.change(key, change);
}

function carrierOf({ key, room, file }: Upload, place: string | undefined): Carrier {
  const tus =
    carriers.get(key)?.tus ??
    new Tus({
      send,
      endpoint: `/api/v1/rooms/${room}/attachments`,
      file,
      onProgress: (bytes) =>
        stands(key, { kind: "sending", progress: file.size > 0 ? bytes / file.size : 1 }),
      onAdvance: () => carriers.get(key)?.perseverance.advanced(),
      place,
      onPlace: (place) => note(key, { place, attachment: undefined }),
    });
  const carrier = { tus, perseverance: new Perseverance(), stop: new AbortController() };
  carriers.set(key, carrier);
  return carrier;
}

async function carry(upload: Upload, place?: string): Promise<void> {
  const { key } = upload;
  const { tus, perseverance, stop } = carrierOf(upload, place);
  const { signal } = stop;
  const attachment = turns.take(signal, () =>
    perseverance.run({
      attempt: () => tus.run(signal),
      isPassing: (refusal) => mayPass(refusal, tus),
      onWait: (obstacle) => stands(key, { kind: "waiting", progress: progressOf(key), for: obstacle }),
      signal,
    }),
  );
  try {
    const there = await attachment;
    stands(key, { kind: "done", attachment: there });
    note(key, { attachment: there.id });
  } catch (error) {
    if (!signal.aborted) stands(key, { kind: "failed", detail: inOwnWords(error) });
  }
}

/** To begin too fast is told; to go on too fast is waited for. What the server has forgotten begins anew. */
function mayPass(refusal: Refused, tus: Tus): boolean {
  const { answer, problem } = refusal;
  // Asked how far it has come, the server says so without a word.
  const isForgotten = answer.status === 404 && (!problem || problem.code === "upload_not_found");
  if (isForgotten && !tus.begun) return true;
  return passing(refusal) && (answer.status !== 429 || tus.begun);
}

function progressOf(key: string): number {
  const state = find(key)?.state;
  return state && "progress" in state ? state.progress : 0;
}

function inOwnWords(error: unknown): string {
  if (error instanceof FileGone) return t("The file can’t be read any more.");
  if (!(error instanceof Refused)) return t("Something went wrong. Try again.");
  const { answer, problem } = error;
  if (answer.status === 413) return t("The file is too large for the server.");
  const { status } = answer;
  if (!problem) return t("The upload failed ({status}).", { status });
  return inWords(problem.code, Math.ceil((problem.retry_after_ms ?? 1_000) / 1_000)) ?? problem.detail;
}

function megabytes(bytes: number): number {
  return Math.floor(bytes / (1024 * 1024));
}
