// What clients ask for over HTTP, mixed as they do: mostly history and lists, now and then a search, a
// file, a new room or a login. What is said meanwhile must be in history and in the search, once.
//
//   ROOMS=8 MEMBERS=3 DURATION=20 SETTLE=30 (seconds) PAUSE=0.2 (seconds between two requests of one
//   person) P95_READ=500 P95_WRITE=1500 (milliseconds)

import * as api from "./lib/api.js";
import { clientsOf, conclude, connect, say } from "./lib/conversation.js";
import { count, rate, seconds, server, virtualUsers } from "./lib/environment.js";
import { announce, doubled, missing, refused } from "./lib/metrics.js";
import { rooms, share } from "./lib/people.js";
import { once } from "./lib/scenario.js";
import { sleep } from "./lib/verify.js";

const ROOMS = count("ROOMS", 8);
const MEMBERS = count("MEMBERS", 3, 2);
const DURATION = seconds("DURATION", 20);
const SETTLE = seconds("SETTLE", 30);
const PAUSE = seconds("PAUSE", 0.2);
const VUS = virtualUsers(ROOMS);
const FOUND_WITHIN = 15_000;

const READ = rate("P95_READ", 500);
const WRITE = rate("P95_WRITE", 1500);
const READS = ["history", "rooms", "directory", "members", "me", "inbox", "people", "search", "download"];
const WRITES = ["upload", "make a room", "login"];
const within = (names, bound) =>
  Object.fromEntries(names.map((name) => [`http_req_duration{name:${name}}`, [`p(95)<${bound}`]]));

export const options = once({
  vus: VUS,
  clients: ROOMS * MEMBERS,
  duration: DURATION + SETTLE + FOUND_WITHIN,
  thresholds: {
    // Some may be told to ask again; nobody may be refused (`hubbub_refused`).
    http_req_failed: ["rate<0.01"],
    ...within(READS, READ),
    // Logging in hashes a password, which is meant to be slow.
    ...within(WRITES, WRITE),
  },
});

export function setup() {
  return rooms(ROOMS, MEMBERS);
}

const get = (path, name) => (at, token) => api.get(at, token, path, name);

// How often of a hundred, and what.
const MIX = [
  [30, (at, token, { room }) => api.get(at, token, `/rooms/${room}/messages?limit=50`, "history")],
  [15, get("/rooms", "rooms")],
  [5, get("/rooms?public=true", "directory")],
  [10, (at, token, { room }) => api.get(at, token, `/rooms/${room}/members`, "members")],
  [10, get("/me", "me")],
  [8, get("/me/inbox", "inbox")],
  [7, get("/users?q=load", "people")],
  [6, (at, token, { room }) => api.get(at, token, `/search?q=chat&room=${room}`, "search")],
  [5, sendFile],
  [2, (at, token) => api.makeRoom(at, token, "One more")],
  [2, (at, _, { client }) => api.login(at, client.account.name)],
];

function pick() {
  let left = Math.random() * MIX.reduce((sum, [weight]) => sum + weight, 0);
  return MIX.find(([weight]) => {
    left -= weight;
    return left < 0;
  })[1];
}

/** Uploads a file, says something with it, and gets it back. */
async function sendFile(at, token, { client, room }) {
  const bytes = crypto.getRandomValues(new Uint8Array(20_000));
  const { id } = await api.upload(at, token, room, bytes.buffer);
  client.say(room, "a file", [id]);
  const back = await api.download(at, token, id);
  if (back.byteLength !== bytes.length || new Uint8Array(back).some((byte, i) => byte !== bytes[i])) {
    missing.add(1);
    console.error(`the file ${id} came back changed`);
  }
}

async function browse(client, room, until) {
  for (let n = 0; Date.now() < until; n++) {
    if (n % 5 === 0) {
      say(client, room);
    }
    try {
      await pick()(server(n), client.account.token, { client, room });
    } catch (failure) {
      refused.add(1, { code: "http" });
      console.error(failure.message);
    }
    await sleep(PAUSE * (0.5 + Math.random()));
  }
}

/** A word that nobody else says is found by the search, in one message. */
async function findable(client, room) {
  const word = `needle${client.account.name.replace(/[^a-z0-9]/g, "")}`;
  const id = client.say(room, `a ${word} in the haystack`);
  const deadline = Date.now() + FOUND_WITHIN;
  let hits = [];
  while (hits.length === 0 && Date.now() < deadline) {
    await sleep(500);
    ({ hits } = await api.get(server(0), client.account.token, `/search?q=${word}&room=${room}`, "search"));
  }
  missing.add(hits.some(({ message }) => message.id === id) ? 0 : 1);
  doubled.add(Math.max(0, hits.length - 1));
}

export default async function (all) {
  announce();
  const clients = clientsOf(share(all, __VU - 1, VUS));
  await connect(clients, 1000);
  const until = Date.now() + DURATION;
  const each = (step) => Promise.all(clients.map((client) => step(client, [...client.rooms.keys()][0])));
  await each((client, room) => browse(client, room, until));
  await each(findable);
  await conclude(clients, SETTLE);
}
