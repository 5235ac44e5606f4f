import { create } from "zustand";
import { inWords } from "../../app/explain";
import { t } from "../../app/i18n";
import { toast } from "../../ui/Toasts";
import { authorized, dropSilent, Refused } from "../../wire/exchange";
import { type Obstacle, Perseverance, passing } from "../../wire/persevere";
import { FileGone, Tus } from "../../wire/tus";
import type { Attachment } from "../../wire/types";
import { api, useSession } from "../session/session";
import { Turns } from "./turns";

/** A file on its way to the server. */
export interface Upload {
  readonly key: string;
  readonly room: string;
  readonly file: File;
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

const useStore = create<{ uploads: readonly Upload[] }>(() => ({ uploads: [] }));
const carriers = new Map<string, Carrier>();
/** Removals that the server has not heard of yet. */
const endings = new Set<Perseverance>();
const turns = new Turns(AT_A_TIME);
const send = authorized(api);
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
    const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : undefined;
    const state = { kind: "sending", progress: 0 } as const;
    const upload: Upload = { key: crypto.randomUUID(), room, file, preview, state };
    useStore.setState(({ uploads }) => ({ uploads: [...uploads, upload] }));
    void carry(upload);
  }
}

/** Goes on with one that has failed, from where the server has it. */
export function again(upload: Upload): void {
  become(upload.key, { kind: "sending", progress: 0 });
  void carry(upload);
}

/** Takes one back, from the server as well. */
export function cancel(upload: Upload): void {
  const carrier = carriers.get(upload.key);
  drop(upload);
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
  useStore.setState(({ uploads }) => {
    const mine = uploads.filter((upload) => upload.room === room);
    const moved = mine.find((upload) => upload.key === key);
    if (!moved) return { uploads };
    const before = mine.slice(0, index).filter((upload) => upload !== moved);
    const after = mine.slice(index).filter((upload) => upload !== moved);
    const others = uploads.filter((upload) => upload.room !== room);
    return { uploads: [...others, ...before, moved, ...after] };
  });
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

/** The ids of a room's files in their order, which are taken from the list; nothing if one is not there. */
export function take(room: string): string[] | undefined {
  const all = of(room);
  const attachments = all.flatMap(({ state }) => (state.kind === "done" ? state.attachment : []));
  if (attachments.length < all.length) return undefined;
  for (const attachment of attachments) known.set(attachment.id, attachment);
  for (const upload of all) drop(upload);
  return attachments.map(({ id }) => id);
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
export function hasUploads(): boolean {
  return useStore.getState().uploads.length > 0;
}

// What somebody was sending ends with their session.
useSession.subscribe(({ kind }) => {
  if (kind === "somebody") return;
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

function become(key: string, state: Upload["state"]): void {
  useStore.setState(({ uploads }) => ({
    uploads: uploads.map((upload) => (upload.key === key ? { ...upload, state } : upload)),
  }));
}

function carrierOf({ key, room, file }: Upload): Carrier {
  const tus =
    carriers.get(key)?.tus ??
    new Tus({
      send,
      endpoint: `/api/v1/rooms/${room}/attachments`,
      file,
      onProgress: (bytes) =>
        become(key, { kind: "sending", progress: file.size > 0 ? bytes / file.size : 1 }),
      onAdvance: () => carriers.get(key)?.perseverance.advanced(),
    });
  const carrier = { tus, perseverance: new Perseverance(), stop: new AbortController() };
  carriers.set(key, carrier);
  return carrier;
}

async function carry(upload: Upload): Promise<void> {
  const { key } = upload;
  const { tus, perseverance, stop } = carrierOf(upload);
  const { signal } = stop;
  const attachment = turns.take(signal, () =>
    perseverance.run({
      attempt: () => tus.run(signal),
      isPassing: (refusal) => mayPass(refusal, tus),
      onWait: (obstacle) => become(key, { kind: "waiting", progress: progressOf(key), for: obstacle }),
      signal,
    }),
  );
  try {
    become(key, { kind: "done", attachment: await attachment });
  } catch (error) {
    if (!signal.aborted) become(key, { kind: "failed", detail: inOwnWords(error) });
  }
}

/** To begin too fast is told; to go on too fast is waited for. What the server has forgotten begins anew. */
function mayPass(refusal: Refused, tus: Tus): boolean {
  if (refusal.problem?.code === "upload_not_found") return true;
  return passing(refusal) && (refusal.answer.status !== 429 || tus.begun);
}

function progressOf(key: string): number {
  const state = useStore.getState().uploads.find((upload) => upload.key === key)?.state;
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
