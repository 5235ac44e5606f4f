import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Api, ApiError, isLoggedOut, isPassing } from "../http";
import type { ErrorCode } from "../types";

/** What the server answers, in order. */
let answers: Response[] = [];
let asked: string[] = [];

beforeEach(() => {
  [answers, asked] = [[], []];
  vi.stubGlobal("document", { cookie: "hubbub_csrf=proof" });
  vi.stubGlobal("location", { origin: "http://chat.example" });
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
  vi.stubGlobal("navigator", {
    locks: { request: (_: string, act: () => unknown) => Promise.resolve(act()) },
  });
  vi.stubGlobal("fetch", (url: URL, { method }: RequestInit) => {
    asked.push(`${method} ${url.pathname.replace("/api/v1/", "")}`);
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("no network"));
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

const refuses = (status: number, code: ErrorCode) => Response.json({ status, code }, { status });
const failure = (path: string) => new Api().ask(path).catch((error: unknown) => error);

test.each<ErrorCode>(["token_expired", "token_invalid"])(
  "a token that is refused as %s is renewed once, and the request repeated",
  async (code) => {
    answers = [refuses(401, code), Response.json({}), Response.json({ id: "ada" })];
    expect(await new Api().ask("me")).toEqual({ id: "ada" });
    expect(asked).toEqual(["GET me", "POST token", "GET me"]);
  },
);

test("nobody is logged out unless the server says that the session is over", async () => {
  answers = [refuses(401, "token_invalid"), refuses(401, "session_ended")];
  expect(isLoggedOut(await failure("me"))).toBe(true);
  answers = [refuses(401, "session_ended")];
  expect(isLoggedOut(await failure("me"))).toBe(true);
  answers = [refuses(503, "unavailable")];
  expect(isLoggedOut(await failure("me"))).toBe(false);
  answers = [refuses(401, "token_expired"), refuses(503, "unavailable")];
  expect(isLoggedOut(await failure("me"))).toBe(false);
  expect(isLoggedOut(await failure("me")), "no network").toBe(false);
});

test("what passes is told from what does not, with and without the server's own words", async () => {
  const page = (status: number) => new Response("<h1>no</h1>", { status });
  for (const answer of [refuses(429, "rate_limited"), refuses(503, "unavailable"), page(502), page(408)]) {
    answers = [answer];
    expect(isPassing(await failure("rooms")), String(answer.status)).toBe(true);
  }
  for (const answer of [refuses(403, "forbidden"), refuses(404, "room_not_found"), page(404)]) {
    answers = [answer];
    expect(isPassing(await failure("rooms")), String(answer.status)).toBe(false);
  }
  expect(isPassing(await failure("rooms")), "no network").toBe(true);
  expect(isPassing(new ApiError(undefined, "no network"))).toBe(true);
  expect(isPassing(new Error("a fault of the client"))).toBe(false);
});
