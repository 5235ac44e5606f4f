import { Backoff } from "./backoff";
import { ConnectionLost, Refused } from "./exchange";
import { ApiError } from "./http";

/** Why something waits. */
export type Obstacle = "network" | "server";

/** Tries against a server that answers but is in trouble, without any progress in between. */
const TRIES = 10;
/** Refusals that are about this moment, beside all from 500 on. */
const PASSING = new Set([408, 409, 423, 425, 429, 460]);

interface Attempts<T> {
  /** One attempt, which goes on where the last one ended. */
  readonly attempt: () => Promise<T>;
  /** Whether a refusal that looks final is not. */
  readonly isPassing?: (refusal: Refused) => boolean;
  readonly onWait: (obstacle: Obstacle) => void;
  readonly signal: AbortSignal;
}

/**
 * Does something over and over until it is done or refused for good: without end while the network
 * is away, several times while the server is in trouble.
 */
export class Perseverance {
  private readonly backoff: Backoff;
  private tries = 0;
  private hurry: (() => void) | undefined;

  constructor(random: () => number = Math.random) {
    this.backoff = new Backoff(random);
  }

  /** Something has been achieved: trouble counts anew. */
  advanced(): void {
    this.tries = 0;
    this.backoff.reset();
  }

  /** Tries again now instead of later: the network may be back. */
  wake(): void {
    this.hurry?.();
  }

  /** @throws what the last attempt has thrown, when there is no sense in another one. */
  async run<T>({ attempt, isPassing = passing, onWait, signal }: Attempts<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        signal.throwIfAborted();
        const obstacle = obstacleOf(error, isPassing);
        if (obstacle === "server") this.tries += 1;
        if (obstacle === undefined || this.tries >= TRIES) throw error;
        onWait(obstacle);
        const least = error instanceof Refused ? (error.problem?.retry_after_ms ?? 0) : 0;
        await this.pause(least + this.backoff.wait(), signal);
      }
    }
  }

  private pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        this.hurry = undefined;
        signal.removeEventListener("abort", abort);
        outcome();
      };
      const abort = () => end(() => reject(signal.reason));
      const timer = setTimeout(() => end(resolve), milliseconds);
      this.hurry = () => end(resolve);
      signal.addEventListener("abort", abort);
    });
  }
}

function obstacleOf(error: unknown, isPassing: (refusal: Refused) => boolean): Obstacle | undefined {
  if (error instanceof ConnectionLost) return "network";
  // New tokens could not be asked for.
  if (error instanceof ApiError && !error.problem) return "network";
  return error instanceof Refused && isPassing(error) ? "server" : undefined;
}

/** Whether the same request may well succeed a little later. */
export function passing({ answer: { status } }: Refused): boolean {
  return status >= 500 || PASSING.has(status);
}
