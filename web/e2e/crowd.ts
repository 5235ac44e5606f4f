import type { Page } from "@playwright/test";
import type { Person, RoomView } from "./person";

/** How much somebody says, and how fast. */
interface Flood {
  readonly room: string;
  readonly count: number;
  /** Messages at a time. */
  readonly batch: number;
  /** Time between two batches, in milliseconds. The server takes 100 frames a second from a connection. */
  readonly every: number;
  /** The number of the first message, and how far the next ones are apart: 1 and 1 if left out. */
  readonly numbers?: { readonly from: number; readonly step: number };
}

/** Lets somebody say so much that no screen could. Resolves when all of it is stored. */
export async function flood(person: Person, room: RoomView, how: Omit<Flood, "room">): Promise<void> {
  const page: Page = await person.context.newPage();
  // A page with nothing in it: what this costs is not the client's.
  await page.goto("/icon.svg");
  await page.evaluate(pour, { room: room.id, ...how });
  await page.close();
}

/** Speaks the protocol without the client. Runs in the page. */
function pour({ room, count, batch, every, numbers = { from: 1, step: 1 } }: Flood): Promise<void> {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`, "hubbub.v1");
  const say = (frame: object) => socket.send(JSON.stringify(frame));
  let [sent, stored] = [0, 0];
  const id = () => {
    const time = Date.now().toString(16).padStart(12, "0");
    const rest = crypto.randomUUID();
    return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(15)}`;
  };
  const pourBatch = () => {
    for (let one = 0; one < batch && sent < count; one += 1) {
      const number = numbers.from + sent * numbers.step;
      sent += 1;
      const long =
        sent % 7 === 0 ? " and some more about it, so that lines break where they may".repeat(sent % 4) : "";
      say({ type: "send", id: id(), room, body: { text: `number ${number}${long}` } });
    }
  };
  return new Promise((resolve, reject) => {
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    socket.onopen = () => say({ type: "hello", only: [] });
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string };
      if (frame.type === "error") reject(new Error(String(data)));
      if (frame.type === "ready") {
        const timer = setInterval(() => {
          pourBatch();
          if (sent >= count) clearInterval(timer);
        }, every);
      }
      if (frame.type !== "ack") return;
      stored += 1;
      if (stored < count) return;
      socket.onclose = null;
      socket.close();
      resolve();
    };
  });
}
