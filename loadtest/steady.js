// Many small rooms, each with people on every server, who talk at a steady rate.
//
//   ROOMS=20 MEMBERS=4 RATE=40 (messages a second in all) DURATION=20 SETTLE=30 (seconds)
//   P95_DELIVERY=250 P95_ACK=1000 (milliseconds)

import { clientsOf, conclude, connect, talk } from "./lib/conversation.js";
import { count, rate, seconds, virtualUsers } from "./lib/environment.js";
import { announce } from "./lib/metrics.js";
import { rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";

const ROOMS = count("ROOMS", 20);
const MEMBERS = count("MEMBERS", 4, 2);
const RATE = rate("RATE", 40);
const DURATION = seconds("DURATION", 20);
const SETTLE = seconds("SETTLE", 30);
const VUS = virtualUsers(ROOMS);

export const options = once({
  vus: VUS,
  clients: ROOMS * MEMBERS,
  duration: DURATION + SETTLE,
  thresholds: {
    hubbub_delivery: [`p(95)<${rate("P95_DELIVERY", 250)}`],
    hubbub_ack: [`p(95)<${rate("P95_ACK", 1000)}`],
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
