// What was said and is not stored yet. Each keeps its id until its ack, so sending it again is always
// safe. Within a room the next leaves when the one before has its place: the order in which things
// were said is then the order in which they are read, whatever was repeated on the way.

const REPEAT_AFTER = 10_000;
const RETRY_AFTER = 1_000;

export class Outbox {
  constructor() {
    /** In the order in which they were said. */
    this.entries = new Map();
    this.inFlight = 0;
  }

  get size() {
    return this.entries.size;
  }

  push(frame) {
    this.entries.set(frame.id, { frame, placed: false, due: 0, sent: 0, flying: false });
  }

  /** Everybody can see it. */
  placed(id) {
    const entry = this.entries.get(id);
    if (entry) {
      entry.placed = true;
    }
    return entry !== undefined;
  }

  /** It is stored, or refused for good. Returns whether it was here. */
  settle(id) {
    const entry = this.entries.get(id);
    if (!entry) {
      return false;
    }
    this.land(entry);
    return this.entries.delete(id);
  }

  /** It is to be tried again later. */
  retry(id, after) {
    const entry = this.entries.get(id);
    if (entry) {
      this.land(entry);
      entry.due = Date.now() + (after ?? RETRY_AFTER);
    }
  }

  /** There is a new connection, and nothing is on its way on it. */
  restart() {
    this.inFlight = 0;
    for (const entry of this.entries.values()) {
      Object.assign(entry, { due: 0, sent: 0, flying: false });
    }
  }

  land(entry) {
    this.inFlight -= entry.flying ? 1 : 0;
    entry.flying = false;
  }

  /** The frames that go out now. */
  due(now, limit) {
    const frames = [];
    const held = new Set();
    for (const entry of this.entries.values()) {
      const { room } = entry.frame;
      if (held.has(room)) {
        continue;
      }
      if (!entry.placed) {
        held.add(room);
      }
      if (entry.due > now || (!entry.flying && this.inFlight >= limit)) {
        continue;
      }
      this.inFlight += entry.flying ? 0 : 1;
      entry.flying = true;
      entry.due = now + REPEAT_AFTER * 2 ** Math.min(entry.sent, 3);
      entry.sent += 1;
      frames.push(entry.frame);
    }
    return frames;
  }
}
