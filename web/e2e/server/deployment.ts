/** Hubbub, running, with what a test may do to it. */
export interface Deployment {
  readonly kind: "standalone" | "cluster";
  /** The address that people type. */
  readonly origin: string;
  /**
   * The cookie by which the load balancer sends somebody to the first gateway (0) or to the second
   * (1); none where there is only one.
   */
  affinity(gateway: number): string | undefined;
  /** Kills a gateway; it is started again. */
  kill(gateway: number): Promise<void>;
  /** Asks a gateway to leave; once it has, it is started again. Resolves when it is ready. */
  restart(gateway: number): Promise<void>;
  /** Puts so many messages by somebody into a room while the server is stopped. Standalone only. */
  fill(room: string, sender: string, count: number): Promise<void>;
  /** Ends all of it. */
  stop(): Promise<void>;
}
