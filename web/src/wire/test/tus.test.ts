import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConnectionLost, Refused } from "../exchange";
import { Perseverance, passing } from "../persevere";
import { FileGone, Tus } from "../tus";
import { type Fate, TusServer } from "./tus-server";

const CHUNK = 10;
const never = new AbortController().signal;

function file(length: number): File {
  return new File([Uint8Array.from({ length }, (_, index) => index % 251)], "été.txt");
}

async function bytesOf(blob: Blob): Promise<number[]> {
  return [...new Uint8Array(await blob.arrayBuffer())];
}

function upload(server: TusServer, of: File, onProgress: (bytes: number) => void = () => undefined): Tus {
  return new Tus({ send: server.send, endpoint: "/attachments", file: of, onProgress, chunk: CHUNK });
}

/** A server whose requests meet these fates in turn, and are well after that. */
function troubled(...fates: Fate[]): TusServer {
  return new TusServer(() => fates.shift() ?? "well");
}

describe("an upload", () => {
  test("goes in chunks, under its name, and tells how far it has come", async () => {
    const server = new TusServer();
    const told: number[] = [];
    const done = await upload(server, file(25), (bytes) => told.push(bytes)).run(never);
    expect(done).toMatchObject({ name: "été.txt", size: 25 });
    expect(server.log).toEqual(["POST", "PATCH 0", "PATCH 10", "PATCH 20", "GET"]);
    expect(told).toEqual([0, 10, 10, 20, 20, 25]);
  });

  test("of an empty file is only begun", async () => {
    const server = new TusServer();
    await upload(server, file(0)).run(never);
    expect(server.log).toEqual(["POST", "GET"]);
  });

  test("goes on where the server has it after a chunk was cut in the middle", async () => {
    const server = troubled("well", "well", "cut");
    const tus = upload(server, file(25));
    await expect(tus.run(never)).rejects.toThrow(ConnectionLost);
    await tus.run(never);
    expect(server.log).toEqual(["POST", "PATCH 0", "PATCH 10", "HEAD", "PATCH 15", "GET"]);
  });

  test("sends nothing again when only the last answer was lost", async () => {
    const server = troubled("well", "unheard");
    const tus = upload(server, file(8));
    await expect(tus.run(never)).rejects.toThrow(ConnectionLost);
    await tus.run(never);
    expect(server.log).toEqual(["POST", "PATCH 0", "HEAD", "GET"]);
  });

  test("shows no more than the server has once it goes on", async () => {
    const server = troubled("well", "lost");
    const told: number[] = [];
    const tus = upload(server, file(8), (bytes) => told.push(bytes));
    await expect(tus.run(never)).rejects.toThrow();
    told.length = 0;
    await tus.run(never);
    expect(told[0]).toBe(0);
  });

  test("goes on after a reload from the place that was told before", async () => {
    const server = troubled("well", "well", "cut");
    const places: (string | undefined)[] = [];
    const sending = { send: server.send, endpoint: "/attachments", file: file(25), chunk: CHUNK };
    const onPlace = (place: string | undefined) => places.push(place);
    const before = new Tus({ ...sending, onProgress: () => undefined, onPlace });
    await expect(before.run(never)).rejects.toThrow(ConnectionLost);
    const after = new Tus({ ...sending, onProgress: () => undefined, onPlace, place: places[0] });
    await after.run(never);
    expect(server.log).toEqual(["POST", "PATCH 0", "PATCH 10", "HEAD", "PATCH 15", "GET"]);
    server.forget();
    await expect(after.run(never)).rejects.toThrow(Refused);
    expect(places).toEqual([before.place, undefined]);
  });

  test("begins again only when the server has forgotten it", async () => {
    const server = troubled("well", "well", "lost");
    const tus = upload(server, file(25));
    await expect(tus.run(never)).rejects.toThrow(ConnectionLost);
    server.forget();
    await expect(tus.run(never)).rejects.toThrow(Refused);
    expect(tus.begun).toBe(false);
    await tus.run(never);
    expect(server.log.slice(3)).toEqual(["HEAD", "POST", "PATCH 0", "PATCH 10", "PATCH 20", "GET"]);
  });

  test("keeps its place when it is refused for another reason", async () => {
    const server = troubled("well", "well", { status: 401 });
    const tus = upload(server, file(25));
    await expect(tus.run(never)).rejects.toThrow(Refused);
    await tus.run(never);
    expect(server.log.filter((line) => line === "POST")).toHaveLength(1);
  });

  test("tries smaller chunks where a proxy refuses large ones", async () => {
    const server = new TusServer();
    server.most = 300 * 1024;
    const large = file(1024 * 1024);
    await new Tus({
      send: server.send,
      endpoint: "/attachments",
      file: large,
      onProgress: () => undefined,
    }).run(never);
    expect([...server.uploads.values()][0]?.bytes.length).toBe(large.size);
  });

  test("is not tried smaller when the server itself says that it is too large", async () => {
    const server = troubled("well", { status: 413, body: { code: "payload_too_large" } });
    await expect(upload(server, file(25)).run(never)).rejects.toThrow(Refused);
    expect(server.log).toEqual(["POST", "PATCH 0"]);
  });

  test("tells a file that is gone from a network that is", async () => {
    const server = troubled("well", "lost");
    const gone = file(25);
    gone.slice = () => ({ arrayBuffer: () => Promise.reject(new Error("NotReadableError")) }) as Blob;
    const send: typeof server.send = (exchange) => server.send({ ...exchange, body: new Blob(["x"]) });
    const tus = new Tus({ send, endpoint: "/attachments", file: gone, onProgress: () => undefined });
    await expect(tus.run(never)).rejects.toThrow(FileGone);
  });

  test("that is given up is removed from the server", async () => {
    const server = new TusServer((method) => (method === "PATCH" ? "cut" : "well"));
    const tus = upload(server, file(25));
    await expect(tus.run(never)).rejects.toThrow(ConnectionLost);
    await tus.end(never);
    expect(server.uploads.size).toBe(0);
  });

  test("that is given up while it is being created is removed as well", async () => {
    const server = new TusServer();
    const tus = upload(server, file(25));
    const stop = new AbortController();
    const running = tus.run(stop.signal);
    stop.abort();
    await tus.end(never);
    await expect(running).rejects.toThrow();
    expect(server.log).toEqual(["POST", "DELETE"]);
    expect(server.uploads.size).toBe(0);
  });

  test("that the server has removed already is as good as removed", async () => {
    const server = new TusServer((method) => (method === "PATCH" ? "lost" : "well"));
    const tus = upload(server, file(25));
    await expect(tus.run(never)).rejects.toThrow(ConnectionLost);
    server.forget();
    await tus.end(never);
  });

  test("arrives whole and once whatever the network does to its requests", async () => {
    const trouble = fc.constantFrom<Fate>("lost", "cut", "unheard", "well", { status: 503 });
    await fc.assert(
      fc.asyncProperty(fc.array(trouble, { maxLength: 30 }), fc.nat(60), async (fates, length) => {
        const server = troubled(...fates);
        const sent = file(length);
        const tus = upload(server, sent);
        const perseverance = new Perseverance(() => 0);
        const done = await perseverance.run({
          attempt: () => {
            // Each try here counts as a day's: it is the order of things that is looked at.
            perseverance.advanced();
            return tus.run(never);
          },
          isPassing: passing,
          onWait: () => undefined,
          signal: never,
        });
        const kept = server.uploads.get(done.id);
        expect([...(kept?.bytes ?? [])]).toEqual(await bytesOf(sent));
      }),
    );
  });
});
