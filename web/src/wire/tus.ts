import { type Answer, ConnectionLost, type Exchange, Refused, type Send } from "./exchange";
import type { UploadedFile } from "./types";

/** Bytes of one request. More would be refused by some proxies, or take longer than they wait. */
const CHUNK = 4 * 1024 * 1024;
/** What is still tried where a proxy on the way refuses more, in bytes. */
const SMALLEST_CHUNK = 256 * 1024;

/** The file has been changed or removed on its device since it was chosen. */
export class FileGone extends Error {
  override readonly name = "FileGone";
}

const VERSION = { "tus-resumable": "1.0.0" };

/** A file, and how it is to be sent. */
interface Sending {
  readonly send: Send;
  /** Where uploads begin. */
  readonly endpoint: string;
  readonly file: File;
  /** Told how many bytes the server has, or is being sent. */
  readonly onProgress: (bytes: number) => void;
  /** Told when the server has got further. */
  readonly onAdvance?: () => void;
  /** Where the server keeps what it has got of it already. */
  readonly place?: string | undefined;
  /** Told where the server keeps it, and nothing once it keeps it no more. */
  readonly onPlace?: (place: string | undefined) => void;
  /** Bytes of one request. */
  readonly chunk?: number;
}

/**
 * One file on its way by tus 1.0 (<https://tus.io/protocols/resumable-upload>): created, sent in
 * chunks, continued from wherever the server says it stands.
 */
export class Tus {
  private at: string | undefined;
  private chunk: number;
  private readonly send: Send;
  private readonly endpoint: string;
  private readonly file: File;
  private readonly onProgress: (bytes: number) => void;
  private readonly onAdvance: (() => void) | undefined;
  private readonly onPlace: ((place: string | undefined) => void) | undefined;
  private creating: Promise<Answer> | undefined;

  constructor({ send, endpoint, file, onProgress, onAdvance, place, onPlace, chunk = CHUNK }: Sending) {
    this.send = send;
    this.at = place;
    this.onPlace = onPlace;
    this.endpoint = endpoint;
    this.file = file;
    this.onProgress = onProgress;
    this.onAdvance = onAdvance;
    this.chunk = chunk;
  }

  /** Where the server keeps it, once it has heard of it. */
  get place(): string | undefined {
    return this.at;
  }

  private set place(place: string | undefined) {
    this.at = place;
    this.onPlace?.(place);
  }

  /** Whether the server has heard of it. */
  get begun(): boolean {
    return this.place !== undefined;
  }

  /**
   * Carries the file to the server, from where it stands, until it is there or something is in the
   * way; then this can be called again.
   *
   * @throws {Refused}, {@link ConnectionLost}, {@link FileGone}, the signal's reason.
   */
  async run(signal: AbortSignal): Promise<UploadedFile> {
    if (this.place === undefined) await this.create(signal);
    else
      await this.goOn(await this.ask({ method: "HEAD", url: this.place, headers: VERSION, signal }), signal);
    const answer = await this.ask({ method: "GET", url: this.place ?? this.endpoint, signal });
    return JSON.parse(answer.text) as UploadedFile;
  }

  /** Has the server remove what it has got. */
  async end(signal: AbortSignal): Promise<void> {
    // What is just being created has no name yet by which it could be removed.
    await this.creating?.catch(() => undefined);
    if (this.place === undefined) return;
    try {
      await this.ask({ method: "DELETE", url: this.place, headers: VERSION, signal });
    } catch (error) {
      // It is gone already.
      if (this.place !== undefined) throw error;
    }
    this.place = undefined;
  }

  /**
   * Begins it without any bytes: what is cut off before its place is known would be lost. It is not
   * given up half-way either, so that the server never keeps what nobody knows of.
   */
  private async create(signal: AbortSignal): Promise<void> {
    const { name, size } = this.file;
    this.creating = this.ask({
      method: "POST",
      url: this.endpoint,
      headers: { ...VERSION, "upload-length": String(size), "upload-metadata": `filename ${base64(name)}` },
      signal: new AbortController().signal,
    });
    const answer = await this.creating;
    const place = answer.header("location");
    if (place === null) throw new Refused(answer);
    this.place = place;
    signal.throwIfAborted();
    await this.goOn(answer, signal);
  }

  /** Sends what is missing, after an answer that tells how far it has come. */
  private async goOn(answer: Answer, signal: AbortSignal): Promise<void> {
    let last = answer;
    // The server names the file as soon as it is whole, whatever size it has made of it.
    while (last.header("hubbub-attachment") === null) {
      const offset = Number(last.header("upload-offset") ?? Number.NaN);
      if (Number.isNaN(offset)) throw new Refused(last);
      this.onProgress(offset);
      // It is whole, but could not be looked at yet: asking for it tries again.
      if (offset >= this.file.size) return;
      last = (await this.patch(offset, signal)) ?? last;
    }
  }

  /** Sends one chunk. Nothing if it was too large for somebody on the way, and a smaller one may do. */
  private async patch(offset: number, signal: AbortSignal): Promise<Answer | undefined> {
    try {
      const answer = await this.ask({
        method: "PATCH",
        url: this.place ?? this.endpoint,
        headers: {
          ...VERSION,
          "content-type": "application/offset+octet-stream",
          "upload-offset": String(offset),
        },
        body: this.file.slice(offset, offset + this.chunk),
        onProgress: (bytes) => this.onProgress(offset + bytes),
        signal,
      });
      this.onAdvance?.();
      return answer;
    } catch (error) {
      // To the browser a file that can't be read looks like a lost connection.
      if (error instanceof ConnectionLost) await this.readable(offset);
      const isProxy = error instanceof Refused && error.answer.status === 413 && !error.problem;
      if (!isProxy || this.chunk <= SMALLEST_CHUNK) throw error;
      this.chunk = Math.max(SMALLEST_CHUNK, this.chunk / 4);
      return undefined;
    }
  }

  private async readable(offset: number): Promise<void> {
    try {
      await this.file.slice(offset, offset + 1).arrayBuffer();
    } catch {
      throw new FileGone();
    }
  }

  private async ask(exchange: Exchange): Promise<Answer> {
    const answer = await this.send(exchange);
    if (answer.status < 300) return answer;
    // The server has forgotten it: only then does it begin again.
    if (answer.status === 404 && exchange.url === this.place) this.place = undefined;
    throw new Refused(answer);
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
