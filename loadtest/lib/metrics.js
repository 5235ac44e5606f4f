// What is counted, and what no run may have.

import { Counter, Trend } from "k6/metrics";

/** Clients whose rooms were compared with what is stored, at the end of the run. */
export const verified = new Counter("hubbub_verified");
/** Messages that are stored and were not heard, heard and not stored, or acked and not stored. */
export const missing = new Counter("hubbub_missing");
/** Messages that are stored, or were shown, in two places. */
export const doubled = new Counter("hubbub_doubled");
/** Messages in another place than before or than stored, or behind one that was said later. */
export const outOfOrder = new Counter("hubbub_out_of_order");
/** Messages whose latest text, or whose deletion, a client was not told. */
export const stale = new Counter("hubbub_stale");
/** Messages that were said and had no ack when the run ended. */
export const notAcked = new Counter("hubbub_not_acked");
/** Events that came before one that precedes them: something was left out on the socket. */
export const gaps = new Counter("hubbub_gaps");
/** Rooms that had to be loaded anew. */
export const resets = new Counter("hubbub_resets");
/** Events of a room that came more than a second after its member had left it. */
export const heardAfterLeaving = new Counter("hubbub_heard_after_leaving");
/** Whatever a person would have been shown as an error; `code` says which. */
export const refused = new Counter("hubbub_refused");

export const said = new Counter("hubbub_said");
export const acked = new Counter("hubbub_acked");
export const heard = new Counter("hubbub_heard");
export const syncs = new Counter("hubbub_syncs");
export const refills = new Counter("hubbub_refills");
/** Connections that were lost without the client's doing, and those that could not be made. */
export const lost = new Counter("hubbub_lost_connections");
export const notConnected = new Counter("hubbub_failed_connections");
/** Connections a node asked to move. */
export const moved = new Counter("hubbub_moved_connections");
export const rotated = new Counter("hubbub_rotated_tokens");

/** From making a message's id to hearing it on another connection, in milliseconds. */
export const delivery = new Trend("hubbub_delivery", true);
/** From making a message's id to its ack. */
export const ack = new Trend("hubbub_ack", true);
/** From opening a connection to `ready`. */
export const connecting = new Trend("hubbub_connecting", true);
/** From losing a connection to having caught up on another. */
export const resuming = new Trend("hubbub_resuming", true);

const COUNTERS = [
  verified,
  missing,
  doubled,
  outOfOrder,
  stale,
  notAcked,
  gaps,
  resets,
  heardAfterLeaving,
  refused,
  said,
  acked,
  heard,
  syncs,
  refills,
  lost,
  notConnected,
  moved,
  rotated,
];

/** Makes every counter known, so that a threshold on one that stayed at 0 is judged as well. */
export function announce() {
  for (const counter of COUNTERS) {
    counter.add(0);
  }
}

/** What every run must keep: the promises, by everybody who took part. */
export function promises(clients) {
  return {
    hubbub_verified: [`count==${clients}`],
    hubbub_missing: ["count==0"],
    hubbub_doubled: ["count==0"],
    hubbub_out_of_order: ["count==0"],
    hubbub_stale: ["count==0"],
    hubbub_not_acked: ["count==0"],
    hubbub_gaps: ["count==0"],
    hubbub_resets: ["count==0"],
    hubbub_heard_after_leaving: ["count==0"],
    hubbub_refused: ["count==0"],
    hubbub_said: ["count>0"],
    hubbub_heard: ["count>0"],
  };
}

/** Nobody's connection breaks in a run that breaks nothing. */
export const UNBROKEN = {
  hubbub_lost_connections: ["count==0"],
  hubbub_failed_connections: ["count==0"],
};

export const SUMMARY = ["med", "p(95)", "p(99)", "max", "count"];
