// The end of a run: what everybody has heard and said, against what is stored.

import { history } from "./api.js";
import { server } from "./environment.js";
import * as metrics from "./metrics.js";
import { compareSaid } from "./room.js";

const AGAIN_AFTER = 500;

export const sleep = (milliseconds) =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

/** What was stored in each of the clients' rooms since the earliest of them began to hear it. */
async function stored(clients, n) {
  const bases = new Map();
  for (const client of clients) {
    for (const room of client.rooms.values()) {
      const base = Math.min(room.origin, bases.get(room.id)?.base ?? Infinity);
      bases.set(room.id, { base, token: client.account.token });
    }
  }
  const histories = new Map();
  for (const [room, { base, token }] of bases) {
    histories.set(room, await history(server(n), token, room, base));
  }
  return histories;
}

function add(sum, found) {
  for (const [name, count] of Object.entries(found)) {
    sum[name] = (sum[name] ?? 0) + count;
  }
}

function compare(clients, histories) {
  const sum = { behind: 0, missing: 0, doubled: 0, outOfOrder: 0, stale: 0 };
  for (const client of clients) {
    for (const room of client.rooms.values()) {
      add(sum, room.compare(histories.get(room.id)));
    }
    for (const [room, ids] of client.said) {
      if (histories.has(room)) {
        add(sum, compareSaid(ids, histories.get(room)));
      }
    }
  }
  return sum;
}

const clean = (sum) => Object.values(sum).every((count) => count === 0);

/**
 * Waits until everything that was said is acked and everybody has heard what is stored, `within` so
 * many milliseconds, and counts what is wrong then.
 */
export async function verify(clients, within) {
  const deadline = Date.now() + within;
  for (let n = 0; ; n++) {
    const pending = clients.reduce((sum, client) => sum + client.outbox.size, 0);
    const connected = clients.every((client) => client.ready);
    let found = null;
    if (connected && pending === 0) {
      try {
        found = compare(clients, await stored(clients, n));
      } catch (failure) {
        console.warn(`reading what is stored: ${failure.message}`);
      }
    }
    if (found !== null && clean(found)) {
      return judged(clients, found, 0);
    }
    if (Date.now() > deadline) {
      return found === null && connected === false
        ? console.error("not everybody is connected at the end: nothing is verified")
        : judged(clients, found ?? compare(clients, await stored(clients, n)), pending);
    }
    await sleep(AGAIN_AFTER);
  }
}

/** Before somebody leaves a room: they must have heard it from when they came until now. */
export async function verifyVisit(client, room, within = 10_000) {
  const deadline = Date.now() + within;
  for (let n = 0; ; n++) {
    const held = await history(server(n), client.account.token, room.id, room.base);
    const found = room.compare(held);
    add(found, compareSaid(client.said.get(room.id) ?? [], held));
    if ((clean(found) && client.outbox.size === 0) || Date.now() > deadline) {
      return count(found, room.violations, client.outbox.size);
    }
    await sleep(AGAIN_AFTER);
  }
}

function judged(clients, found, pending) {
  const before = {};
  for (const client of clients) {
    for (const room of client.rooms.values()) {
      add(before, room.violations);
    }
  }
  count(found, before, pending);
  metrics.verified.add(clients.length);
}

/** `found` against what is stored, `before` while it was heard, `pending` without an ack. */
function count(found, before, pending) {
  if (!clean(found) || !clean(before) || pending > 0) {
    console.error(`not as promised: ${JSON.stringify({ found, before, pending })}`);
  }
  metrics.missing.add(found.missing + found.behind);
  metrics.doubled.add(found.doubled + before.doubled);
  metrics.outOfOrder.add(found.outOfOrder + before.outOfOrder);
  metrics.stale.add(found.stale);
  metrics.gaps.add(before.gaps);
  metrics.resets.add(before.resets);
  metrics.notAcked.add(pending);
}
