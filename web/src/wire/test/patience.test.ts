import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Api, type ApiError } from "../http";

/** An answer that is never whole: nothing of it comes, or only this. */
function answers(part?: string) {
  return (_: URL, { signal }: { signal: AbortSignal }) =>
    new Promise<Response>((resolve, reject) => {
      signal.throwIfAborted();
      if (part === undefined) {
        signal.addEventListener("abort", () => reject(signal.reason));
        return;
      }
      const start = (body: ReadableStreamDefaultController) => {
        body.enqueue(new TextEncoder().encode(part));
        signal.addEventListener("abort", () => body.error(signal.reason));
      };
      resolve(new Response(new ReadableStream({ start })));
    });
}

beforeEach(() => vi.stubGlobal("location", { origin: "https://chat.example" }));
afterEach(() => vi.unstubAllGlobals());

test.each([undefined, '{"half":'])("an answer that does not come to its end is none: %j", async (part) => {
  vi.stubGlobal("fetch", answers(part));
  const error = await new Api(50).ask("rooms").catch((error: unknown) => error);
  expect((error as ApiError).code).toBe("offline");
});

test("what is no longer wanted ends as its caller has ended it", async () => {
  vi.stubGlobal("fetch", answers());
  const reason = new Error("enough");
  await expect(new Api().ask("rooms", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
