// What most scenarios are made of: rooms whose people talk for a while, and are judged at the end.

import { Account } from "./account.js";
import { Client } from "./client.js";
import { sleep, verify } from "./verify.js";

/** About 200 bytes, as messages are. */
const TEXT =
  "What is said here is about as long as what people say in a chat, which is a line or two. ".repeat(2);

/** A client for each member of each room; neighbours come to different servers. */
export function clientsOf(rooms) {
  return rooms.flatMap((room) =>
    room.members.map((session, i) => new Client(new Account(session), [room.id], i)),
  );
}

/** Connects everybody, a few at a time, and resolves once all were greeted. */
export async function connect(clients, spread = 0) {
  const gap = spread / Math.max(1, clients.length);
  const greeted = [];
  for (const client of clients) {
    greeted.push(client.start());
    client.account.keepFresh();
    if (gap > 0) {
      await sleep(gap);
    }
  }
  await Promise.all(greeted);
}

/**
 * `clients` take turns in saying something in their first room, `rate` messages a second in all,
 * until `until`. `act(client, room, n)` may do something else instead.
 */
export async function talk(clients, rate, until, act = say) {
  const gap = 1000 / rate;
  const begun = Date.now() + Math.random() * gap;
  for (let n = 0; ; n++) {
    const at = begun + n * gap;
    if (at >= until) {
      return sleep(until - Date.now());
    }
    await sleep(at - Date.now());
    const client = clients[n % clients.length];
    act(client, client.rooms.keys().next().value, n);
  }
}

export function say(client, room) {
  return client.say(room, TEXT);
}

/** Judges what `clients` have heard and said, and sends them away. */
export async function conclude(clients, within) {
  await verify(clients, within);
  for (const client of clients) {
    client.account.rest();
    client.stop();
  }
}
