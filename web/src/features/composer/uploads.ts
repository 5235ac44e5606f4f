import { create } from "zustand";
import { inWords } from "../../app/explain";
import { t } from "../../app/i18n";
import { toast } from "../../ui/Toasts";
import { csrf } from "../../wire/http";
import type { Attachment, Problem } from "../../wire/types";
import { api } from "../session/session";

/** A file on its way to the server. */
export interface Upload {
  readonly key: string;
  readonly room: string;
  readonly file: File;
  /** A picture of it, to be shown before it is sent. */
  readonly preview: string | undefined;
  readonly state:
    | { kind: "sending"; progress: number }
    | { kind: "done"; attachment: Attachment }
    | { kind: "failed"; detail: string };
}

const useStore = create<{ uploads: readonly Upload[] }>(() => ({ uploads: [] }));
const requests = new Map<string, XMLHttpRequest>();
/** Bounds until the server has told its own. */
const bounds = { bytes: 50 * 1024 * 1024, count: 10 };

/** Takes the server's bounds. */
export function boundUploads(bytes: number, count: number): void {
  bounds.bytes = bytes;
  bounds.count = count;
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
  const waiting = useStore.getState().uploads.filter((upload) => upload.room === room).length;
  const free = bounds.count - waiting;
  if (files.length > free) toast(t("At most {count} files go with one message.", bounds));
  for (const file of files.slice(0, free)) {
    if (file.size > bounds.bytes) {
      const most = Math.floor(bounds.bytes / (1024 * 1024));
      toast(t("{name} is too large: the most is {most} MB.", { name: file.name, most }));
      continue;
    }
    const preview = file.type.startsWith("image/") ? URL.createObjectURL(file) : undefined;
    const state = { kind: "sending", progress: 0 } as const;
    const upload: Upload = { key: crypto.randomUUID(), room, file, preview, state };
    useStore.setState(({ uploads }) => ({ uploads: [...uploads, upload] }));
    start(upload);
  }
}

/** Tries one that has failed once more. */
export function again(upload: Upload): void {
  become(upload.key, { kind: "sending", progress: 0 });
  start(upload);
}

/** Takes one back. */
export function cancel({ key, preview }: Upload): void {
  requests.get(key)?.abort();
  requests.delete(key);
  if (preview) URL.revokeObjectURL(preview);
  useStore.setState(({ uploads }) => ({ uploads: uploads.filter((upload) => upload.key !== key) }));
}

/** The ids of a room's files, which are taken from the list; nothing if one is not there yet. */
export async function ready(room: string): Promise<string[] | undefined> {
  const mine = () => useStore.getState().uploads.filter((upload) => upload.room === room);
  await new Promise<void>((resolve) => {
    const done = () => mine().every(({ state }) => state.kind !== "sending");
    if (done()) {
      resolve();
      return;
    }
    const stop = useStore.subscribe(() => {
      if (!done()) return;
      stop();
      resolve();
    });
  });
  const all = mine();
  if (all.some(({ state }) => state.kind === "failed")) return undefined;
  for (const { state } of all) if (state.kind === "done") known.set(state.attachment.id, state.attachment);
  for (const upload of all) cancel(upload);
  return all.flatMap(({ state }) => (state.kind === "done" ? state.attachment.id : []));
}

/** What went out with messages of this tab: they show it before the server has told of them. */
const known = new Map<string, Attachment>();

/** A file that was uploaded in this tab. */
export function uploaded(id: string): Attachment | undefined {
  return known.get(id);
}

function become(key: string, state: Upload["state"]): void {
  useStore.setState(({ uploads }) => ({
    uploads: uploads.map((upload) => (upload.key === key ? { ...upload, state } : upload)),
  }));
}

/** Only this kind of request tells how far an upload has come. */
function start(upload: Upload, isRepeat = false): void {
  const { key, room, file } = upload;
  const request = new XMLHttpRequest();
  requests.set(key, request);
  const name = encodeURIComponent(file.name);
  request.open("POST", `/api/v1/rooms/${room}/attachments?name=${name}`);
  request.setRequestHeader("content-type", file.type || "application/octet-stream");
  const token = csrf();
  if (token) request.setRequestHeader("x-csrf-token", token);
  request.upload.onprogress = ({ loaded, total }) => {
    become(key, { kind: "sending", progress: total > 0 ? loaded / total : 0 });
  };
  request.onload = () => {
    requests.delete(key);
    if (request.status < 300) {
      become(key, { kind: "done", attachment: JSON.parse(request.responseText) as Attachment });
    } else if (request.status === 401 && !isRepeat) {
      // The access token has run out: with a new one it is sent once more.
      api.renew().then(
        (renewed) =>
          renewed ? start(upload, true) : become(key, { kind: "failed", detail: refusal(request) }),
        () => become(key, { kind: "failed", detail: t("The server can’t be reached.") }),
      );
    } else {
      become(key, { kind: "failed", detail: refusal(request) });
    }
  };
  request.onerror = () => become(key, { kind: "failed", detail: t("The server can’t be reached.") });
  request.send(file);
}

function refusal({ status, responseText }: XMLHttpRequest): string {
  if (status === 413) return t("The file is too large for the server.");
  try {
    const { code, detail } = JSON.parse(responseText) as Problem;
    return inWords(code) ?? detail;
  } catch {
    return t("The upload failed ({status}).", { status });
  }
}
