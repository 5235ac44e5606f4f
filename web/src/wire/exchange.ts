import { type Api, csrf } from "./http";
import type { Problem } from "./types";

/** A request whose body may be large. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Blob;
  /** Told how many bytes of the body have left so far. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/** What came back, whatever its status. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  header(name: string): string | null;
}

/** Carries out exchanges; tests replace it. */
export type Send = (exchange: Exchange) => Promise<Answer>;

/** No answer came: the network is away, or somebody on the way has cut the connection. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** The server, or somebody on the way to it, has answered with a refusal. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** The problem document, if it was the server itself. */
  readonly problem: Problem | undefined;

  constructor(readonly answer: Answer) {
    super(`HTTP ${answer.status}`);
    this.problem = problemOf(answer);
  }
}

/** A connection over which nothing has moved for so long is dead, in milliseconds. */
const SILENCE = 30_000;
/** The same when the device has just woken up, or come to another network. */
const SILENCE_AFTER_WAKE = 3_000;

/** Exchanges that look at their connection when the device has woken up. */
const open = new Set<() => void>();

/** Gives up connections that are probably dead: the device has woken up, or its network is another. */
export function dropSilent(): void {
  for (const look of open) look();
}

/**
 * Sends a request and tells how far its body has come, which `fetch` does not.
 *
 * @throws {ConnectionLost} without an answer; the signal's reason when it was aborted.
 */
export const exchange: Send = (asked) =>
  new Promise((resolve, reject) => {
    const { method, url, headers = {}, body, onProgress, signal } = asked;
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let moved = performance.now();
    let silence: ReturnType<typeof setTimeout>;
    const lost = () => {
      request.abort();
      settle(() => reject(new ConnectionLost()));
    };
    const move = () => {
      moved = performance.now();
      clearTimeout(silence);
      silence = setTimeout(lost, SILENCE);
    };
    const look = () => {
      if (performance.now() - moved > SILENCE_AFTER_WAKE) lost();
    };
    const abort = () => {
      request.abort();
      settle(() => reject(signal.reason));
    };
    const settle = (outcome: () => void) => {
      clearTimeout(silence);
      open.delete(look);
      signal.removeEventListener("abort", abort);
      outcome();
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => {
      move();
      onProgress?.(loaded);
    };
    request.onload = () => {
      const { status, responseText: text } = request;
      settle(() => resolve({ status, text, header: (name) => request.getResponseHeader(name) }));
    };
    request.onerror = lost;
    signal.addEventListener("abort", abort);
    open.add(look);
    move();
    request.send(body ?? null);
  });

/** Exchanges within a session: with the CSRF token, and once more with new tokens after a 401. */
export function authorized(api: Api, send: Send = exchange): Send {
  const once = (asked: Exchange) => {
    const token = csrf();
    return send(token ? { ...asked, headers: { ...asked.headers, "x-csrf-token": token } } : asked);
  };
  return async (asked) => {
    const answer = await once(asked);
    if (answer.status !== 401 || !(await api.renew())) return answer;
    return once(asked);
  };
}

function problemOf({ text }: Answer): Problem | undefined {
  try {
    const problem = JSON.parse(text) as Partial<Problem>;
    return typeof problem.code === "string" ? (problem as Problem) : undefined;
  } catch {
    // A proxy's own page, or a HEAD, which has no body.
    return undefined;
  }
}
