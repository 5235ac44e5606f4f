// Prepares a run: accounts and rooms of its own, made before anything is measured.

import { makeRooms, register } from "./api.js";
import { server } from "./environment.js";

function runName() {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** So many new accounts. */
export function people(count) {
  const run = runName();
  return register(
    server,
    Array.from({ length: count }, (_, i) => `load-${run}-${i}`),
  );
}

/**
 * So many private rooms with so many members each, everybody in one of them:
 * `[{id, code, members: [session]}]`.
 */
export function rooms(count, members) {
  const everybody = people(count * members);
  const plans = Array.from({ length: count }, (_, i) => {
    const [owner, ...others] = everybody.slice(i * members, (i + 1) * members);
    return { name: `Load ${i}`, owner, members: others };
  });
  return makeRooms(server, plans).map((room, i) => ({
    ...room,
    members: [plans[i].owner, ...plans[i].members],
  }));
}

/** The part of `things` that belongs to the virtual user `n` (from 0) of `all`. */
export function share(things, n, all) {
  return things.filter((_, i) => i % all === n);
}
