// People come and go all the time while others talk: they resume on another server after a while, and
// must have missed nothing. Besides, visitors join rooms and leave them again, and must hear a room
// from when they are in until they are out, and not longer.
//
//   ROOMS=10 MEMBERS=6 RATE=20 (messages a second in all) STAY=3 AWAY=2 (seconds, at the most)
//   DURATION=20 SETTLE=30 (seconds) VISITORS=4

import { join, leave } from "./lib/api.js";
import { Account } from "./lib/account.js";
import { Client } from "./lib/client.js";
import { clientsOf, conclude, connect, say, talk } from "./lib/conversation.js";
import { count, rate, seconds, server, virtualUsers } from "./lib/environment.js";
import { announce, verified } from "./lib/metrics.js";
import { people, rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";
import { sleep, verifyVisit } from "./lib/verify.js";

const ROOMS = count("ROOMS", 10);
const MEMBERS = count("MEMBERS", 6, 2);
const RATE = rate("RATE", 20);
const STAY = seconds("STAY", 3);
const AWAY = seconds("AWAY", 2);
const DURATION = seconds("DURATION", 20);
const SETTLE = seconds("SETTLE", 30);
const VISITORS = count("VISITORS", 4, 0);
const VUS = virtualUsers(ROOMS);

export const options = once({
  vus: VUS,
  clients: ROOMS * MEMBERS + VISITORS,
  duration: DURATION + SETTLE,
});

export function setup() {
  return { rooms: rooms(ROOMS, MEMBERS), visitors: people(VISITORS) };
}

async function comeAndGo(client, until) {
  while (Date.now() + STAY + AWAY < until) {
    await sleep(Math.random() * STAY);
    client.stop();
    await sleep(Math.random() * AWAY);
    await client.start();
  }
}

async function visit(session, all, n, until) {
  const visitor = new Client(new Account(session), [], n);
  await connect([visitor]);
  for (let i = n; Date.now() < until; i++) {
    const { id, code } = all[i % all.length];
    await join(server(i), visitor.account.token, code);
    const room = await visitor.hear(id);
    say(visitor, id);
    await sleep(Math.random() * STAY);
    await verifyVisit(visitor, room);
    await leave(server(i + 1), visitor.account.token, id);
    visitor.forget(id);
    await sleep(1500);
  }
  visitor.account.rest();
  visitor.stop();
  verified.add(1);
}

export default async function (data) {
  announce();
  const n = __VU - 1;
  const clients = clientsOf(share(data.rooms, n, VUS));
  await connect(clients, 1000);
  const until = Date.now() + DURATION;
  await Promise.all([
    talk(clients, (RATE * clients.length) / (ROOMS * MEMBERS), until),
    ...clients.map((client) => comeAndGo(client, until)),
    ...share(data.visitors, n, VUS).map((session, i) => visit(session, data.rooms, n + i, until)),
  ]);
  // Visitors of other virtual users may still say something.
  await sleep(STAY + 2000);
  await conclude(clients, SETTLE);
}
