// A long, quiet, mixed run: people talk, edit, delete, react, type and read, renew their tokens, and now
// and then break off and come back. What everybody sees at the end must be what is stored.
//
//   ROOMS=10 MEMBERS=5 RATE=10 (acts a second in all) DURATION=60 SETTLE=30 BREAK=20 (seconds between
//   one person's breaks, on average) P95_DELIVERY=250 P95_ACK=1000 (milliseconds)
//   ROTATIONS=0 (tokens that must have been renewed at least)

import { clientsOf, conclude, connect, say, talk } from "./lib/conversation.js";
import { count, rate, seconds, virtualUsers } from "./lib/environment.js";
import { announce } from "./lib/metrics.js";
import { rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";
import { sleep } from "./lib/verify.js";

const ROOMS = count("ROOMS", 10);
const MEMBERS = count("MEMBERS", 5, 2);
const RATE = rate("RATE", 10);
const DURATION = seconds("DURATION", 60);
const SETTLE = seconds("SETTLE", 30);
const BREAK = seconds("BREAK", 20);
const VUS = virtualUsers(ROOMS);
// A break short enough that the time away stays out of the figures for delivery.
const AWAY = 50;

export const options = once({
  vus: VUS,
  clients: ROOMS * MEMBERS,
  duration: DURATION + SETTLE,
  thresholds: {
    hubbub_delivery: [`p(95)<${rate("P95_DELIVERY", 250)}`],
    hubbub_ack: [`p(95)<${rate("P95_ACK", 1000)}`],
    hubbub_rotated_tokens: [`count>=${count("ROTATIONS", 0, 0)}`],
  },
});

export function setup() {
  return rooms(ROOMS, MEMBERS);
}

/** The latest message of one's own that is not deleted, if it has its place. */
function own(client, room) {
  const id = client.said.get(room)?.at(-1);
  const message = id && client.rooms.get(room).messages.get(id);
  return message && message.text !== null ? id : null;
}

function somebodys(client, room) {
  const ids = [...client.rooms.get(room).messages]
    .filter(([, message]) => message.text !== null)
    .map(([id]) => id);
  return ids.at(-1);
}

/** One of a hundred acts: mostly talk. What needs a message that is not there is talk as well. */
function act(client, room, n) {
  client.tell({ type: "typing", room, on: true });
  const kind = n % 100;
  const mine = own(client, room);
  if (kind % 10 === 3 && mine) {
    client.edit(room, mine, `changed ${n}`);
  } else if (kind % 25 === 7 && mine) {
    client.delete(room, mine);
  } else if (kind % 10 === 5) {
    const message = somebodys(client, room);
    // It may be deleted before the reaction gets there, which is a refusal that everybody expects.
    if (message && client.rooms.get(room).messages.get(message).sender === client.account.id) {
      client.react(room, message, "👍", n % 20 === 5);
    }
  } else {
    say(client, room);
  }
  client.tell({ type: "mark", room, read: client.rooms.get(room).seq });
}

async function breakOff(client, until) {
  for (;;) {
    const wait = (0.5 + Math.random()) * BREAK;
    if (Date.now() + wait + 5000 > until) {
      return;
    }
    await sleep(wait);
    client.stop();
    await sleep(AWAY);
    await client.start();
  }
}

export default async function (all) {
  announce();
  const clients = clientsOf(share(all, __VU - 1, VUS));
  await connect(clients, 2000);
  const until = Date.now() + DURATION;
  await Promise.all([
    talk(clients, (RATE * clients.length) / (ROOMS * MEMBERS), until, act),
    ...clients.map((client) => breakOff(client, until)),
  ]);
  await conclude(clients, SETTLE);
}
