// A client as docs/PROTOCOL.md wants one: greets, resumes, fills gaps, keeps what it said until it is
// acked, and comes back by itself. What it is told is judged by its rooms (room.js).

import { WebSocket } from "k6/experimental/websockets";

import { server } from "./environment.js";
import { madeAt, messageId } from "./identifier.js";
import * as metrics from "./metrics.js";
import { Outbox } from "./outbox.js";
import { Room } from "./room.js";

// Back-off between attempts to connect: full jitter below a bound that doubles up to the last one.
const BACKOFF = [250, 8000];
const GREETED_WITHIN = 30_000;
// How long events may still be on their way after a heartbeat has told of them.
const HEAD_GRACE = 2_000;
// How long something of a room may still come after its member has left it (promise P6).
const LEAVING_GRACE = 1_000;

function close(socket) {
  try {
    socket?.close(1000);
  } catch {
    // It was never opened, or has gone already.
  }
}

export class Client {
  /** `account` may be shared; `rooms` are ids; `first` says which server comes first. */
  constructor(account, rooms, first = 0) {
    this.account = account;
    this.next = first;
    this.rooms = new Map(rooms.map((id) => [id, new Room(id)]));
    /** Rooms it has been put out of or has left → when. */
    this.left = new Map();
    this.outbox = new Outbox();
    /** Ids of the messages said in each room, in order. */
    this.said = new Map();
    this.socket = null;
    /** The one that a node has asked to leave, until there is another. */
    this.older = null;
    /** When the connection was lost, until what was missed has come. */
    this.lostAt = null;
    this.pump = null;
    this.attempts = 0;
    this.limit = 64;
    this.wanted = false;
    this.whenReady = [];
    this.nodes = new Set();
    account.clients.add(this);
  }

  /** Connects and stays connected until `stop`. Resolves once it was greeted. */
  start() {
    this.wanted = true;
    const ready = new Promise((resolve) => this.whenReady.push(resolve));
    this.dial();
    return ready;
  }

  /** Goes away without a word to anybody; positions and what was said stay for the next `start`. */
  stop() {
    this.wanted = false;
    clearTimeout(this.timer);
    clearTimeout(this.pump);
    this.pump = null;
    for (const socket of [this.socket, this.older]) {
      close(socket);
    }
    this.socket = null;
    this.older = null;
  }

  say(room, text, attachments = undefined) {
    const id = messageId();
    if (!this.said.has(room)) {
      this.said.set(room, []);
    }
    this.said.get(room).push(id);
    metrics.said.add(1);
    this.queue({ type: "send", id, room, body: { text, attachments } });
    return id;
  }

  edit(room, message, text) {
    this.queue({ type: "edit", id: messageId(), room, message, body: { text } });
  }

  delete(room, message) {
    this.queue({ type: "delete", id: messageId(), room, message });
  }

  react(room, message, emoji, on) {
    this.queue({ type: "react", id: messageId(), room, message, emoji, on });
  }

  /** Something volatile: it goes out if there is a connection. */
  tell(frame) {
    if (this.ready) {
      this.transmit(this.socket, frame);
    }
  }

  get ready() {
    return this.socket !== null && this.socket.greeted === true;
  }

  refresh() {
    this.tell({ type: "refresh", token: this.account.token });
  }

  /** Hears a further room from its head on; resolves with it once that holds. */
  hear(id) {
    const room = new Room(id);
    this.rooms.set(id, room);
    this.left.delete(id);
    this.said.delete(id);
    const started = new Promise((resolve) => {
      room.onStart = () => resolve(room);
    });
    this.tell({ type: "subscribe", room: id });
    return started;
  }

  /** Is not a member of the room any more: soon nothing of it may come. */
  forget(id) {
    this.rooms.delete(id);
    this.left.set(id, Date.now());
  }

  queue(frame) {
    this.outbox.push(frame);
    this.flush();
  }

  flush() {
    if (!this.ready) {
      return;
    }
    for (const frame of this.outbox.due(Date.now(), this.limit)) {
      this.transmit(this.socket, frame);
    }
    if (this.outbox.size > 0 && this.pump === null) {
      this.pump = setTimeout(() => {
        this.pump = null;
        this.flush();
      }, 500);
    }
  }

  transmit(socket, frame) {
    try {
      socket.send(JSON.stringify(frame));
    } catch {
      // It has just closed, and `close` says so next.
    }
  }

  dial() {
    const begun = Date.now();
    const url = `${server(this.next++).replace(/^http/, "ws")}/ws`;
    const socket = new WebSocket(url, "hubbub.v1");
    socket.greeted = false;
    socket.over = false;
    const timer = setTimeout(() => close(socket), GREETED_WITHIN);
    socket.onopen = () => {
      const rooms = [...this.rooms.values()];
      const resume = rooms.filter((room) => room.started).map((room) => room.position());
      const only = rooms.map((room) => room.id);
      socket.token = this.account.token;
      this.transmit(socket, { type: "hello", token: socket.token, resume, only });
    };
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.type === "ready") {
        clearTimeout(timer);
        socket.greeted = true;
        metrics.connecting.add(Date.now() - begun);
        this.greeted(frame);
      } else if (socket === this.socket || socket === this.older) {
        this.take(frame, socket);
      }
    };
    // A connection that could not be made has no `close` of its own.
    socket.onerror = () => this.ended(socket, timer);
    socket.onclose = ({ code }) => this.ended(socket, timer, code);
    this.socket = socket;
  }

  greeted({ node, limits, rooms }) {
    this.attempts = 0;
    this.limit = limits.in_flight;
    this.nodes.add(node);
    this.catchUp = new Set();
    for (const { room, epoch, seq } of rooms) {
      const held = this.rooms.get(room);
      if (held && !held.started) {
        held.start(epoch, seq);
      } else if (held && held.seq < seq) {
        this.catchUp.add({ held, seq });
      }
    }
    if (this.lostAt) {
      this.caughtUp();
    }
    close(this.older);
    this.older = null;
    // It was renewed while this was greeted with the one before.
    if (this.socket.token !== this.account.token) {
      this.refresh();
    }
    this.outbox.restart();
    this.flush();
    for (const resolve of this.whenReady.splice(0)) {
      resolve();
    }
  }

  /** Whether everything that was missed while there was no connection has come. */
  caughtUp() {
    for (const wanted of this.catchUp) {
      if (wanted.held.seq >= wanted.seq) {
        this.catchUp.delete(wanted);
      }
    }
    if (this.catchUp.size === 0) {
      metrics.resuming.add(Date.now() - this.lostAt);
      this.lostAt = null;
    }
  }

  ended(socket, timer, code = "error") {
    clearTimeout(timer);
    if (socket.over) {
      return;
    }
    socket.over = true;
    if (socket === this.older) {
      this.older = null;
    }
    if (socket !== this.socket) {
      return;
    }
    this.socket = null;
    (socket.greeted ? metrics.lost : metrics.notConnected).add(1, { code });
    this.lostAt ??= Date.now();
    if (this.wanted) {
      const bound = Math.min(BACKOFF[0] * 2 ** this.attempts++, BACKOFF[1]);
      this.timer = setTimeout(() => this.wanted && this.dial(), Math.random() * bound);
    }
  }

  take(frame, socket) {
    const room = this.rooms.get(frame.room);
    switch (frame.type) {
      case "message":
      case "edited":
      case "deleted":
      case "reaction":
      case "member":
      case "room":
        return this.event(room, frame);
      case "ack":
        return this.acked(frame);
      case "subscribed":
        return room && this.subscribed(room, frame);
      case "sync":
        return room && this.sync(room, frame);
      case "reset":
        return room && this.reset(room, frame);
      case "heads":
        return this.heads(frame.rooms);
      case "error":
        return this.error(frame);
      case "goaway":
        return this.goAway(frame.after_ms, socket);
    }
  }

  event(room, frame) {
    if (!room) {
      const left = this.left.get(frame.room);
      if (left !== undefined && Date.now() - left > LEAVING_GRACE) {
        metrics.heardAfterLeaving.add(1);
      }
      return;
    }
    if (!room.started) {
      return;
    }
    const step = room.event(frame);
    if (step === "gap") {
      return this.refill(room);
    }
    if (step === "next") {
      if (frame.type === "message") {
        metrics.heard.add(1);
        if (frame.sender !== this.account.id) {
          metrics.delivery.add(Date.now() - madeAt(frame.id));
        }
      }
      if (this.lostAt) {
        this.caughtUp();
      }
    }
    // Its place is known: what waits behind it may go.
    if (this.outbox.placed(frame.id)) {
      this.flush();
    }
  }

  sync(room, frame) {
    metrics.syncs.add(1);
    room.sync(frame);
    if (this.lostAt) {
      this.caughtUp();
    }
  }

  /** The room has lost its place: what is on the screen goes, and what has no ack is said again. */
  reset(room, { epoch, seq }) {
    room.reset(epoch, seq);
    this.outbox.restart();
    this.flush();
  }

  acked({ id }) {
    if (this.outbox.settle(id)) {
      metrics.acked.add(1);
      metrics.ack.add(Date.now() - madeAt(id));
      this.flush();
    }
  }

  subscribed(room, { epoch, seq }) {
    room.refilling = false;
    if (!room.started) {
      room.start(epoch, seq);
      room.onStart?.();
    }
  }

  refill(room) {
    if (!room.refilling) {
      room.refilling = true;
      metrics.refills.add(1);
      this.tell({ type: "subscribe", ...room.position() });
    }
  }

  /** A heartbeat tells how far the rooms are: events that do not come are asked for. */
  heads(heads) {
    for (const { room: id, seq } of heads) {
      const room = this.rooms.get(id);
      if (room?.started && room.seq < seq) {
        setTimeout(() => room.seq < seq && this.refill(room), HEAD_GRACE);
      }
    }
  }

  error({ id, room, code, retry_after_ms: after }) {
    if (id !== undefined && after !== undefined) {
      this.outbox.retry(id, after);
      return;
    }
    if (id === undefined && room === undefined) {
      // About the connection, which ends next and is counted as lost.
      return;
    }
    metrics.refused.add(1, { code });
    console.warn(`refused: ${code}`);
    if (id !== undefined) {
      this.outbox.settle(id);
    }
  }

  goAway(after, socket) {
    if (socket !== this.socket) {
      return;
    }
    setTimeout(() => {
      if (this.wanted && socket === this.socket && !socket.over) {
        metrics.moved.add(1);
        this.older = socket;
        this.dial();
      }
    }, after);
  }
}
