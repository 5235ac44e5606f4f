import { createHash } from "node:crypto";
import type { Person, RoomView } from "./person";
import type { Network } from "./server/network";

export const MB = 1024 * 1024;

/** Bytes that do not repeat, so that any in a wrong place would show. */
function bytes(length: number): Buffer {
  const words = new Uint32Array(length / 4);
  let state = 0x9e3779b9;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer);
}

export const film = { name: "film.bin", mimeType: "application/octet-stream", buffer: bytes(20 * MB) };
export const sum = (content: Buffer) => createHash("sha256").update(content).digest("hex");

export function note(name: string) {
  return { name, mimeType: "text/plain", buffer: Buffer.from(`about ${name}\n`) };
}

export async function attach(
  { page }: Person,
  ...files: { name: string; mimeType: string; buffer: Buffer }[]
) {
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).click();
  await (await chooser).setFiles(files);
}

export const card = ({ page }: Person, name: string) => page.locator(".upload").filter({ hasText: name });
export const progress = ({ page }: Person, name: string) =>
  page.getByRole("progressbar", { name: `Uploading ${name}` });
export const order = ({ page }: Person) => page.locator(".upload .file-name").allInnerTexts();

/** The files of the newest message, as the server tells of them. */
export async function filesOf(person: Person, room: RoomView): Promise<{ id: string; name: string }[]> {
  type Page = { messages: { body: { attachments?: { id: string; name: string }[] } }[] };
  const page = await person.asks<Page>(`rooms/${room.id}/messages?limit=10`);
  return page.messages.at(-1)?.body.attachments ?? [];
}

/** What a browser asks of uploads from now on: `POST`, or `PATCH` with where it begins. */
export function listen({ page }: Person): { asked: string[]; places: string[] } {
  const heard = { asked: [] as string[], places: [] as string[] };
  page.on("request", (request) => {
    if (!/\/(?:attachments|uploads\/[^/]+)$/.test(request.url())) return;
    const offset = request.headers()["upload-offset"];
    heard.asked.push(offset === undefined ? request.method() : `${request.method()} ${offset}`);
  });
  page.on("response", async (response) => {
    if (response.request().method() !== "POST" || !response.url().endsWith("/attachments")) return;
    const place = await response.headerValue("location");
    if (place) heard.places.push(place.replace("/api/v1/", ""));
  });
  return heard;
}

/** Opens a room of somebody's own to attach files in, over a network that can be taken away. */
export async function inCinema(
  person: (name: string, arrival?: { network: Network }) => Promise<Person>,
  network: Network,
): Promise<{ ada: Person; room: RoomView }> {
  const ada = await person("Ada", { network });
  ada.serverMayBeAway = true;
  // A server that has not noticed yet that a connection is gone may find somebody else at the file.
  ada.refusalIsExpected = true;
  const room = await ada.makesRoom("Cinema");
  await ada.opens(room);
  return { ada, room };
}
