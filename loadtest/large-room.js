// One room with everybody in it, in which a few talk and all hear everything.
//
//   MEMBERS=100 SPEAKERS=10 RATE=10 (messages a second in all) DURATION=15 SETTLE=30 (seconds)
//   P95_DELIVERY=500 P95_ACK=1000 (milliseconds)

import { Account } from "./lib/account.js";
import { Client } from "./lib/client.js";
import { conclude, connect, talk } from "./lib/conversation.js";
import { count, rate, seconds, virtualUsers } from "./lib/environment.js";
import { announce } from "./lib/metrics.js";
import { rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";
import { sleep } from "./lib/verify.js";

const MEMBERS = count("MEMBERS", 100, 2);
const SPEAKERS = Math.min(count("SPEAKERS", 10), MEMBERS);
const RATE = rate("RATE", 10);
const DURATION = seconds("DURATION", 15);
const SETTLE = seconds("SETTLE", 30);
const VUS = virtualUsers(MEMBERS, 8);
const BEGIN = 5_000;

export const options = once({
  vus: VUS,
  clients: MEMBERS,
  duration: BEGIN + DURATION + SETTLE,
  thresholds: {
    hubbub_delivery: [`p(95)<${rate("P95_DELIVERY", 500)}`],
    hubbub_ack: [`p(95)<${rate("P95_ACK", 1000)}`],
  },
});

export function setup() {
  const [room] = rooms(1, MEMBERS);
  // Nobody talks before everybody is there.
  return { ...room, begin: Date.now() + BEGIN };
}

export default async function ({ id, members, begin }) {
  announce();
  const speaks = new Set(members.slice(0, SPEAKERS).map((member) => member.id));
  const clients = share(members, __VU - 1, VUS).map(
    (session, i) => new Client(new Account(session), [id], i + __VU),
  );
  const speakers = clients.filter((client) => speaks.has(client.account.id));
  await connect(clients, BEGIN / 2);
  const until = begin + DURATION;
  if (speakers.length > 0) {
    await talk(speakers, (RATE * speakers.length) / SPEAKERS, until);
  }
  // Until the others have said their last as well.
  await sleep(until + 2000 - Date.now());
  await conclude(clients, SETTLE);
}
