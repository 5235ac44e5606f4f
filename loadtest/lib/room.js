// One room on somebody's screen: what was heard, and whether it came as promised.

const changed = (message) => ({
  sender: message.sender,
  seq: message.seq,
  text: message.deleted_at ? null : message.body.text,
});

export class Room {
  constructor(id) {
    this.id = id;
    /** What contradicted the promises while it was heard: name of a metric → how often. */
    this.violations = { gaps: 0, doubled: 0, outOfOrder: 0, resets: 0 };
    this.epoch = null;
    this.seq = null;
  }

  /** Heard from here on; what came before is not of this run, or was forgotten by a reset. */
  start(epoch, seq) {
    /** Where it was first heard. What was said since then must be stored, whatever was reset. */
    this.origin ??= seq;
    this.epoch = epoch;
    this.seq = seq;
    this.base = seq;
    /** Message id → `{seq, sender, text}`; text is null once it is deleted. */
    this.messages = new Map();
    this.places = new Map();
    this.refilling = false;
  }

  get started() {
    return this.seq !== null;
  }

  position() {
    return { room: this.id, epoch: this.epoch, seq: this.seq };
  }

  /** Takes an event in: `next` if it follows, `known` if it was here, `gap` if one before it is missing. */
  event(frame) {
    if (frame.epoch < this.epoch || (frame.epoch === this.epoch && frame.seq <= this.seq)) {
      this.judgePlace(frame.seq, frame.id);
      return "known";
    }
    if (frame.epoch !== this.epoch || frame.seq !== this.seq + 1) {
      // One gap is one violation, however much comes behind it.
      if (!this.refilling) {
        this.violations.gaps += 1;
      }
      return "gap";
    }
    this.seq = frame.seq;
    this.judgePlace(frame.seq, frame.id);
    if (frame.type === "message") {
      this.put(frame);
    } else if (frame.type === "edited" || frame.type === "deleted") {
      const message = this.messages.get(frame.message);
      if (message && message.text !== null) {
        message.text = frame.type === "deleted" ? null : frame.body.text;
      }
    }
    return "next";
  }

  judgePlace(seq, id) {
    const held = this.places.get(seq);
    if (held !== undefined && held !== id) {
      this.violations.outOfOrder += 1;
    }
    if (seq > this.base) {
      this.places.set(seq, id);
    }
  }

  put(message) {
    const before = this.messages.get(message.id);
    if (before && before.seq !== message.seq) {
      this.violations.doubled += 1;
      return;
    }
    this.messages.set(message.id, changed(message));
  }

  /** A state sync: what changed up to here, without the events that led to it. */
  sync({ epoch, upto, messages }) {
    for (const message of messages) {
      if (message.seq > this.base) {
        this.put(message);
      }
    }
    if (epoch === this.epoch && upto > this.seq) {
      this.seq = upto;
    }
    this.refilling = false;
  }

  reset(epoch, seq) {
    this.violations.resets += 1;
    this.start(epoch, seq);
  }

  /**
   * Compares with what is stored, from `base` to the head. Both must hold the same messages, each
   * once, in the same places, with the same texts.
   */
  compare({ seq, messages }) {
    const found = { behind: Math.max(0, seq - this.seq), missing: 0, doubled: 0, outOfOrder: 0, stale: 0 };
    const stored = new Set();
    for (const message of messages) {
      if (message.seq <= this.base || message.seq > this.seq) {
        continue;
      }
      if (stored.has(message.id)) {
        found.doubled += 1;
        continue;
      }
      stored.add(message.id);
      const here = this.messages.get(message.id);
      if (!here) {
        found.missing += 1;
      } else if (here.seq !== message.seq) {
        found.outOfOrder += 1;
      } else if (here.text !== changed(message).text) {
        found.stale += 1;
      }
    }
    for (const id of this.messages.keys()) {
      if (!stored.has(id)) {
        found.missing += 1;
      }
    }
    return found;
  }
}

/**
 * Whether what one person said in a room is stored completely, once each, in the order in which it
 * was said: `ids` are those of their messages in that order.
 */
export function compareSaid(ids, { messages }) {
  const wanted = new Set(ids);
  const stored = messages.filter(({ id }) => wanted.has(id)).map(({ id }) => id);
  const distinct = new Set(stored);
  const found = {
    missing: ids.length - distinct.size,
    doubled: stored.length - distinct.size,
    outOfOrder: 0,
  };
  const expected = ids.filter((id) => distinct.has(id));
  const first = [...distinct];
  for (let i = 0; i < expected.length; i++) {
    found.outOfOrder += expected[i] === first[i] ? 0 : 1;
  }
  return found;
}
