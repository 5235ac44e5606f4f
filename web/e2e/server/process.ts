import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

/** The repository. */
export const ROOT = resolve(import.meta.dirname, "../../..");
/** Where Cargo has put the programs. */
export const BINARIES = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug");

/** What is the same wherever the tests run. */
export const SETTINGS: Readonly<Record<string, string>> = {
  HUBBUB_WEB_CLIENT_DIR: join(ROOT, "web/dist"),
  // Everybody comes from one address here.
  HUBBUB_QUOTA_REGISTER_ADDRESS: "10000/1m",
  HUBBUB_QUOTA_LOGIN_ADDRESS: "10000/1m",
  HUBBUB_QUOTA_JOIN_ADDRESS: "10000/1m",
  HUBBUB_QUOTA_REQUESTS: "5000+1000/1s",
  HUBBUB_OFFLINE_GRACE: "2s",
  HUBBUB_DRAIN: "2s",
  HUBBUB_SHUTDOWN_GRACE: "8s",
};

/** A port that nothing listens on, nor was given to somebody else just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** Starts a program whose output goes to a file. */
export function start(
  command: string,
  args: readonly string[],
  log: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HUBBUB_"));
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = createWriteStream(log, { flags: "a" });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  return child;
}

/** Asks a program to end, and waits until it has. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

/** Waits until a server says that it is ready. */
export async function ready(origin: string, within = 60_000): Promise<void> {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > deadline) throw new Error(`${origin} is not ready`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
