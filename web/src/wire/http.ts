import type { ErrorCode, Problem } from "./types";

/** A request that the server refused, or that did not reach it. */
export class ApiError extends Error {
  constructor(
    /** The problem document; absent if there was no answer. */
    readonly problem: Problem | undefined,
    message: string,
    /** The HTTP status; 0 if there was no answer. */
    readonly status = 0,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** The stable code; `offline` if there was no answer. */
  get code(): string {
    return this.problem?.code ?? "offline";
  }

  /** What is wrong with a field of the body, if that is the matter. */
  field(name: string): string | undefined {
    return this.problem?.errors?.find((error) => error.field === name)?.message;
  }
}

/** Whether the same request may well succeed in a while: the server was not reached, or is busy or broken. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 0 || error.status === 408 || error.status === 429 || error.status >= 500;
}

const LOGGED_OUT: ReadonlySet<string> = new Set<ErrorCode>([
  "token_required",
  "token_invalid",
  "token_expired",
  "session_ended",
]);

/** Whether the server says that there is no session any more. */
export function isLoggedOut(error: unknown): boolean {
  return error instanceof ApiError && LOGGED_OUT.has(error.code);
}

/** How one request differs from a plain GET. */
export interface RequestOptions {
  readonly method?: string;
  /** An object, sent as JSON; a blob is sent as it is. */
  readonly body?: unknown;
  readonly query?: Record<string, string | number | boolean | undefined>;
  readonly signal?: AbortSignal;
}

const BASE = "/api/v1/";

/** What is wrong with an access token that a new one may mend. */
const RENEWABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "token_required",
  "token_invalid",
  "token_expired",
]);

/** How long an answer may take until its end, in milliseconds. What sends a file takes as long as it takes. */
const PATIENCE = 15_000;

/** Where the tabs of a browser note when one of them has got new tokens. */
const RENEWED = "hubbub.renewed";

/** The CSRF token: the one cookie of the session that scripts can read. */
export function csrf(): string | undefined {
  return /(?:^|;\s*)(?:__Host-)?hubbub_csrf=([^;]+)/.exec(document.cookie)?.[1];
}

/**
 * The HTTP API with the session in cookies: the browser carries the tokens, this carries the CSRF
 * token. An access token that has run out, or whose signing key is retired, is renewed once, and the
 * request repeated.
 */
export class Api {
  private renewing: Promise<boolean> | undefined;

  constructor(private readonly patience = PATIENCE) {}

  /** Gets new tokens. False if the session is over. Calls at the same time share one request. */
  renew(): Promise<boolean> {
    const seen = localStorage.getItem(RENEWED);
    // A refresh token works once, so only one tab may use it; the others find it done.
    this.renewing ??= navigator.locks
      .request(RENEWED, () => localStorage.getItem(RENEWED) !== seen || this.renewNow())
      .finally(() => {
        this.renewing = undefined;
      });
    return this.renewing;
  }

  private async renewNow(): Promise<boolean> {
    const answer = await this.fetch("token", { method: "POST", body: { transport: "cookie" } });
    if (answer.status === 401 || answer.status === 403) return false;
    if (!answer.ok) throw await refusal(answer);
    localStorage.setItem(RENEWED, crypto.randomUUID());
    return true;
  }

  /** Asks for something. Throws {@link ApiError}. */
  async ask<T>(path: string, options: RequestOptions = {}): Promise<T> {
    let answer = await this.fetch(path, options);
    if (answer.status === 401 && (await this.isRenewable(answer)) && (await this.renew())) {
      answer = await this.fetch(path, options);
    }
    if (!answer.ok) throw await refusal(answer);
    const hasBody = answer.status !== 204 && answer.status !== 202;
    if (!hasBody) return undefined as T;
    return (await answer.json().catch((cause: unknown) => unreached(cause, options.signal))) as T;
  }

  private async isRenewable(answer: Response): Promise<boolean> {
    const problem = (await answer
      .clone()
      .json()
      .catch(() => undefined)) as Problem | undefined;
    return problem !== undefined && RENEWABLE.has(problem.code);
  }

  private async fetch(path: string, options: RequestOptions): Promise<Response> {
    const { method = "GET", body, query = {}, signal } = options;
    const url = new URL(BASE + path, location.origin);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
    }
    const headers = new Headers({ accept: "application/json" });
    const isBlob = body instanceof Blob;
    if (body !== undefined) headers.set("content-type", isBlob ? body.type : "application/json");
    const token = method === "GET" ? undefined : csrf();
    if (token !== undefined) headers.set("x-csrf-token", token);
    const ends = [...(signal ? [signal] : []), ...(isBlob ? [] : [AbortSignal.timeout(this.patience)])];
    try {
      return await fetch(url, {
        method,
        headers,
        credentials: "same-origin",
        signal: AbortSignal.any(ends),
        ...(body === undefined ? {} : { body: isBlob ? body : JSON.stringify(body) }),
      });
    } catch (cause) {
      return unreached(cause, signal);
    }
  }
}

/** Throws what a request comes to that had no answer, or not all of it. */
function unreached(cause: unknown, signal: AbortSignal | undefined): never {
  if (signal?.aborted) throw cause;
  throw new ApiError(undefined, "The server can't be reached");
}

async function refusal(answer: Response): Promise<ApiError> {
  const problem = (await answer.json().catch(() => undefined)) as Problem | undefined;
  return new ApiError(problem, problem?.detail ?? `HTTP ${answer.status}`, answer.status);
}
