import { connect, createServer, type Server, type Socket } from "node:net";
import { freePorts } from "./process";

/** A network between a browser and a server, which a test can take away. */
export class Network {
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private isUp = true;
  /** What happens once so many more bytes have gone to the server. */
  private due: { bytes: number; act: () => void } | undefined;

  private constructor(
    private readonly server: Server,
    /** The address by which a browser reaches the server over this network. */
    readonly origin: string,
  ) {}

  /** A network that leads to a server. */
  static async to(origin: string): Promise<Network> {
    const { hostname, port } = new URL(origin);
    const own = await freePorts(1);
    const server = createServer((near) => network.join(near, connect(Number(port), hostname)));
    const network: Network = new Network(server, `http://${hostname}:${own}`);
    await new Promise<void>((done) => server.listen(own, hostname, done));
    return network;
  }

  private join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.pairs.add(pair);
    for (const socket of pair) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.pairs.delete(pair);
        for (const end of pair) end.destroy();
      });
    }
    if (!this.isUp) {
      near.destroy();
      return;
    }
    near.on("data", ({ length }: Buffer) => this.count(length));
    near.pipe(far);
    far.pipe(near);
  }

  private count(bytes: number): void {
    if (!this.due) return;
    this.due.bytes -= bytes;
    if (this.due.bytes > 0) return;
    const { act } = this.due;
    this.due = undefined;
    act();
  }

  /** Does something to it once so many bytes have gone to the server from now on. Resolves then. */
  after(bytes: number, act: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.due = {
        bytes,
        act: () => {
          act();
          resolve();
        },
      };
    });
  }

  /** Every connection breaks, and no new one comes about. */
  down(): void {
    this.isUp = false;
    for (const [near] of this.pairs) near.destroy();
  }

  /** New connections come about again. */
  up(): void {
    this.isUp = true;
  }

  /** What is open stays so, and nothing comes through it any more. New connections are well. */
  swallow(): void {
    for (const [near, far] of this.pairs) {
      near.unpipe(far).resume();
      far.unpipe(near).resume();
    }
  }

  /** Ends it. */
  close(): void {
    this.down();
    this.server.close();
  }
}
