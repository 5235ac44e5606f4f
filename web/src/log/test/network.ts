import type { ClientFrame, History, ServerFrame } from "../../wire/types";
import type { Operation } from "../outbox";
import type { Request } from "../timeline";
import { Link, Server } from "./server";

/** Messages of one page of history. */
const PAGE = 20;
/** How long the server takes to store what it has committed, in milliseconds. */
const STORING = 30;
/** How often the server tells where rooms stand, in milliseconds. */
export const HEARTBEAT = 25_000;

/** What becomes of frames that arrive together. */
export type Mangle = (frames: ServerFrame[]) => ServerFrame[];

/**
 * A server and the network in front of it, with everything that can go wrong with a network. Time
 * is the test's.
 */
export class Network {
  readonly server = new Server(["tea"]);
  /** How long anything takes to the server, or back, in milliseconds. */
  latency = 20;
  /** Nobody gets through, and whoever tries is told so. */
  down = false;
  /** Why no page of history is given, while that is so. */
  refusal: Error | undefined;
  /** Pages of history that were asked for, ever. */
  pages = 0;
  /** What becomes of a room's events on their way. Everything else arrives. */
  mangle: Mangle = (frames) => frames;
  /** Sockets that were opened, ever. */
  readonly sockets: Socket[] = [];
  private made = 0;
  private readonly heartbeat: ReturnType<typeof setInterval>;

  constructor() {
    this.heartbeat = setInterval(() => this.tellHeads(), HEARTBEAT);
  }

  /** Ends it. */
  close(): void {
    clearInterval(this.heartbeat);
  }

  /** Opens a socket. */
  open(): WebSocket {
    const socket = new Socket(this);
    this.sockets.push(socket);
    return socket as unknown as WebSocket;
  }

  /** The newest socket. */
  get last(): Socket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  /** Sockets that both sides hold open. */
  get alive(): Socket[] {
    return this.sockets.filter((socket) => socket.readyState === 1);
  }

  /** Reads a page of history. It shows the server as it was half-way. */
  async history(room: string, request: Request): Promise<History> {
    this.pages += 1;
    await this.wait();
    if (this.refusal) throw this.refusal;
    if (this.down) throw new Error("offline");
    const page = this.server.rooms.get(room)?.page(request, PAGE);
    await this.wait();
    if (!page || this.down) throw new Error("offline");
    return page;
  }

  private wait(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.latency));
  }

  /** Somebody else says something. */
  others(text: string): void {
    this.made += 1;
    const operation: Operation = {
      type: "send",
      id: `other-${String(this.made).padStart(4, "0")}`,
      room: "tea",
      body: { text },
    };
    this.server.publish(operation, "other");
  }

  /** What the room's log holds. */
  get log(): string[] {
    return (this.server.rooms.get("tea")?.list() ?? []).map(({ body }) => body.text);
  }

  /** Stores what was committed, after a while. */
  storeSoon(): void {
    setTimeout(() => this.server.store(), STORING);
  }

  private tellHeads(): void {
    const rooms = [...this.server.rooms.values()].map(({ id: room, epoch, seq }) => ({ room, epoch, seq }));
    for (const link of this.server.links) link.say({ type: "heads", rooms });
  }
}

/** A socket as a browser gives it, over the network of a test. */
export class Socket {
  readonly OPEN = 1;
  readyState = 0;
  /** What the client has sent on it. */
  readonly sent: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  private link: Link | undefined;
  private isDead = false;

  constructor(private readonly network: Network) {
    if (network.down) this.later(() => this.closed(1006));
    else this.later(() => this.opened());
  }

  /** Nothing comes through any more, and nobody is told. */
  goesDead(): void {
    this.isDead = true;
  }

  /** The server closes it, or the network does. */
  breaks(code = 1006): void {
    this.hangUp();
    this.later(() => this.closed(code));
  }

  /** The server asks the client to move. */
  goAway(after: number): void {
    this.link?.say({ type: "goaway", after_ms: after, reason: "draining" } as ServerFrame);
  }

  send(text: string): void {
    const frame = JSON.parse(text) as ClientFrame;
    this.sent.push(frame);
    this.later(() => this.arrives(frame));
  }

  close(): void {
    this.readyState = 3;
    this.later(() => this.hangUp());
  }

  private opened(): void {
    if (this.readyState !== 0 || this.isDead) return;
    this.readyState = 1;
    this.onopen?.();
  }

  private closed(code: number): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }

  private arrives(frame: ClientFrame): void {
    if (this.isDead || this.network.down) return;
    if (frame.type === "hello") {
      const { server } = this.network;
      const link = new Link(server, [...(frame.resume ?? [])]);
      this.link = link;
      link.onDown = () => this.flush();
      server.links.push(link);
      this.flush();
    } else if (frame.type === "ping") {
      this.link?.say({ type: "pong" });
    } else {
      this.link?.take(frame);
      this.network.storeSoon();
    }
  }

  /** Sends on their way what the server has said. */
  private flush(): void {
    const frames = this.link?.down.splice(0) ?? [];
    if (frames.length === 0) return;
    this.later(() => {
      if (this.isDead || this.network.down || this.readyState !== 1) return;
      const events = frames.some(({ type }) => type === "ready") ? frames : this.network.mangle(frames);
      for (const frame of events) this.onmessage?.({ data: JSON.stringify(frame) });
    });
  }

  private hangUp(): void {
    const { link } = this;
    if (!link) return;
    link.open = false;
    const { server } = this.network;
    server.links = server.links.filter((other) => other !== link);
  }

  private later(action: () => void): void {
    setTimeout(action, this.network.latency);
  }
}
