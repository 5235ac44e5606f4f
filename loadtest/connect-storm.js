// Everybody connects at once, with several devices each; then something is said in every room, which
// all of them must hear.
//
//   CONNECTIONS=200 DEVICES=4 (connections of one account) MEMBERS=5 (accounts of one room)
//   SETTLE=30 (seconds) P95_CONNECTING=5000 (milliseconds, from opening to `ready`)

import { Account } from "./lib/account.js";
import { Client } from "./lib/client.js";
import { conclude, connect, say } from "./lib/conversation.js";
import { count, rate, seconds, virtualUsers } from "./lib/environment.js";
import { announce } from "./lib/metrics.js";
import { rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";
import { sleep } from "./lib/verify.js";

const DEVICES = count("DEVICES", 4);
const MEMBERS = count("MEMBERS", 5);
// Connections of one room. There are only whole rooms.
const EACH = DEVICES * MEMBERS;
const ROOMS = Math.ceil(count("CONNECTIONS", 200) / EACH);
const CLIENTS = ROOMS * EACH;
const SETTLE = seconds("SETTLE", 30);
const VUS = virtualUsers(ROOMS);
const MESSAGES = 5;

export const options = once({
  vus: VUS,
  clients: CLIENTS,
  duration: SETTLE + 60_000,
  thresholds: { hubbub_connecting: [`p(95)<${rate("P95_CONNECTING", 5000)}`] },
});

export function setup() {
  return rooms(ROOMS, MEMBERS);
}

export default async function (all) {
  announce();
  const mine = share(all, __VU - 1, VUS);
  const clients = mine.flatMap((room) =>
    room.members.flatMap((session, i) => {
      const account = new Account(session);
      return Array.from({ length: DEVICES }, (_, j) => new Client(account, [room.id], i + j));
    }),
  );
  await connect(clients);
  for (let n = 0; n < MESSAGES; n++) {
    for (const [i, { id }] of mine.entries()) {
      say(clients[i * EACH + (n % EACH)], id);
    }
    await sleep(200);
  }
  await conclude(clients, SETTLE);
}
