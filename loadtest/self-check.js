// Whether the judges judge: each is given what must not happen, and has to say so. Needs no server.

import { check } from "k6";

import { madeAt, messageId } from "./lib/identifier.js";
import { Outbox } from "./lib/outbox.js";
import { compareSaid, Room } from "./lib/room.js";

export const options = { thresholds: { checks: ["rate==1"] } };

const message = (seq, id = `m${seq}`, text = id) => ({
  type: "message",
  room: "r",
  epoch: 1,
  seq,
  id,
  sender: "s",
  body: { text },
});
const stored = (...seqs) => ({ seq: seqs.at(-1), messages: seqs.map((seq) => message(seq)) });

/** A room that heard these, from 10 on. */
function room(...frames) {
  const room = new Room("r");
  room.start(1, 10);
  for (const frame of frames) {
    room.event(frame);
  }
  return room;
}

const found = (expected, actual) =>
  Object.entries({ behind: 0, missing: 0, doubled: 0, outOfOrder: 0, stale: 0, ...expected }).every(
    ([name, count]) => actual[name] === count,
  );

const heard = {
  "everything in order is fine": () => found({}, room(message(11), message(12)).compare(stored(11, 12))),
  "what came before the start does not count": () => found({}, room(message(11)).compare(stored(9, 10, 11))),
  "a message that was not heard is missing": () => {
    const one = room(message(11));
    one.sync({ epoch: 1, upto: 13, messages: [message(13)] });
    return found({ missing: 1 }, one.compare(stored(11, 12, 13)));
  },
  "a message that is not stored is missing": () =>
    found({ missing: 1 }, room(message(11), message(12)).compare({ seq: 12, messages: [message(11)] })),
  "a head that was not reached is told": () =>
    found({ behind: 2 }, room(message(11)).compare({ seq: 13, messages: [message(11)] })),
  "an event ahead of its predecessor is a gap, once": () => {
    const one = room(message(11));
    const first = one.event(message(13));
    one.refilling = true;
    const second = one.event(message(14));
    return first === "gap" && second === "gap" && one.violations.gaps === 1 && one.seq === 11;
  },
  "one message in two places is doubled": () =>
    room(message(11, "a"), message(12, "a")).violations.doubled === 1,
  "one message stored twice is doubled": () =>
    found(
      { doubled: 1 },
      room(message(11), message(12)).compare({
        seq: 12,
        messages: [message(11), message(12), message(12)],
      }),
    ),
  "two messages in one place are out of order": () =>
    room(message(11, "a"), message(11, "b")).violations.outOfOrder === 1,
  "a message stored elsewhere is out of order": () =>
    found(
      { outOfOrder: 2 },
      room(message(11), message(12)).compare({
        seq: 12,
        messages: [message(11, "m12"), message(12, "m11")],
      }),
    ),
  "an edit that was not told is stale": () =>
    found({ stale: 1 }, room(message(11)).compare({ seq: 11, messages: [message(11, "m11", "edited")] })),
  "a deletion that was told is not": () => {
    const one = room(message(11), { ...message(12, "d"), type: "deleted", message: "m11" });
    return found({}, one.compare({ seq: 12, messages: [{ ...message(11), deleted_at: "now" }] }));
  },
  "a reset is counted": () => {
    const one = room(message(11));
    one.reset(2, 40);
    return one.violations.resets === 1 && one.seq === 40;
  },
};

const said = (ids, ...kept) => compareSaid(ids, { messages: kept.map((id) => ({ id })) });
const spoken = {
  "what was said is there": () => found({}, { behind: 0, stale: 0, ...said(["a", "b"], "x", "a", "b") }),
  "what was said is not there": () => said(["a", "b"], "a").missing === 1,
  "what was said is there twice": () => said(["a"], "a", "a").doubled === 1,
  "what was said first comes last": () => said(["a", "b"], "b", "a").outOfOrder > 0,
};

const sending = {
  "the second waits until the first has its place": () => {
    const outbox = new Outbox();
    outbox.push({ id: "a", room: "r" });
    outbox.push({ id: "b", room: "r" });
    const first = outbox
      .due(0, 64)
      .map(({ id }) => id)
      .join();
    const none = outbox.due(1, 64).length;
    outbox.placed("a");
    return (
      first === "a" &&
      none === 0 &&
      outbox
        .due(2, 64)
        .map(({ id }) => id)
        .join() === "b"
    );
  },
  "a new connection sends again what has no ack": () => {
    const outbox = new Outbox();
    outbox.push({ id: "a", room: "r" });
    outbox.due(0, 64);
    outbox.restart();
    return outbox.due(1, 64).length === 1;
  },
  "what is acked is not sent again": () => {
    const outbox = new Outbox();
    outbox.push({ id: "a", room: "r" });
    outbox.due(0, 64);
    return outbox.settle("a") && outbox.size === 0 && outbox.inFlight === 0;
  },
  "no more is in flight than the limit": () => {
    const outbox = new Outbox();
    for (const id of ["a", "b", "c"]) {
      outbox.push({ id, room: id });
    }
    return outbox.due(0, 2).length === 2 && outbox.due(1, 2).length === 0;
  },
};

const ids = {
  "an id is a UUID of version 7 with its time": () => {
    const id = messageId(1_700_000_000_123);
    const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    return shape.test(id) && madeAt(id) === 1_700_000_000_123;
  },
};

export default function () {
  check(null, { ...heard, ...spoken, ...sending, ...ids });
}
