// The size of a run, taken from the environment. Every script lists what it takes at its head.

function given(name) {
  const value = __ENV[name];
  return value === undefined || value === "" ? undefined : value;
}

/** A whole number of at least `least`. */
export function count(name, standard, least = 1) {
  const value = Number(given(name) ?? standard);
  if (!Number.isInteger(value) || value < least) {
    throw new Error(`${name} must be a whole number of at least ${least}`);
  }
  return value;
}

/** A number above 0, such as messages a second. */
export function rate(name, standard) {
  const value = Number(given(name) ?? standard);
  if (!(value > 0)) {
    throw new Error(`${name} must be a number above 0`);
  }
  return value;
}

/** Seconds, as milliseconds. */
export function seconds(name, standard) {
  return rate(name, standard) * 1000;
}

export function flag(name, standard) {
  return (given(name) ?? (standard ? "1" : "0")) === "1";
}

/** Where clients connect: gateways, or what stands in front of them. Used in turns. */
export const SERVERS = (given("SERVERS") ?? "http://127.0.0.1:8080")
  .split(",")
  .map((server) => server.trim().replace(/\/$/, ""));

/** The server that the `n`-th of anything uses. */
export function server(n) {
  return SERVERS[n % SERVERS.length];
}

/**
 * How many virtual users share `things` (connections, rooms): few enough that a generator of two
 * cores is not all bookkeeping, many enough that they use the cores.
 */
export function virtualUsers(things, most = 16) {
  return Math.min(things, count("VUS", Math.min(most, things)));
}
