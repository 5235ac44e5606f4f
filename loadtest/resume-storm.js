// Everybody is connected and some talk when a node dies: those it served come back elsewhere all at
// once, go on where they were, and send again what was not acked. Whoever starts this ends the node
// meanwhile (tools/loadtest does so with SIGKILL); without a lost connection the run has failed.
//
//   ROOMS=20 MEMBERS=10 RATE=20 (messages a second in all) DURATION=30 SETTLE=40 (seconds)
//   P95_RESUMING=10000 (milliseconds, from the loss to having caught up)

import { clientsOf, conclude, connect, talk } from "./lib/conversation.js";
import { count, rate, seconds, virtualUsers } from "./lib/environment.js";
import { announce } from "./lib/metrics.js";
import { rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";

const ROOMS = count("ROOMS", 20);
const MEMBERS = count("MEMBERS", 10, 2);
const RATE = rate("RATE", 20);
const DURATION = seconds("DURATION", 30);
const SETTLE = seconds("SETTLE", 40);
const VUS = virtualUsers(ROOMS);

export const options = once({
  vus: VUS,
  clients: ROOMS * MEMBERS,
  duration: DURATION + SETTLE,
  broken: true,
  thresholds: {
    hubbub_lost_connections: ["count>0"],
    hubbub_resuming: [`p(95)<${rate("P95_RESUMING", 10_000)}`],
  },
});

export function setup() {
  return rooms(ROOMS, MEMBERS);
}

export default async function (all) {
  announce();
  const clients = clientsOf(share(all, __VU - 1, VUS));
  await connect(clients, 2000);
  await talk(clients, (RATE * clients.length) / (ROOMS * MEMBERS), Date.now() + DURATION);
  await conclude(clients, SETTLE);
}
