import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

/** The repository. */
export const ROOT = resolve(import.meta.dirname, "../../..");
/** With which of Cargo's profiles the programs were built, and where they are. */
export const PROFILE = process.env.HUBBUB_TEST_PROFILE ?? "dev";
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
export const BINARIES = join(TARGET, PROFILE === "dev" ? "debug" : PROFILE);

/** What is the same wherever the tests run. */
export const SETTINGS: Readonly<Record<string, string>> = {
  HUBBUB_WEB_CLIENT_DIR: join(ROOT, "web/dist"),
  // Everybody comes from one address here.
  HUBBUB_QUOTA_REGISTER_ADDRESS: "10000/1m",
  HUBBUB_QUOTA_LOGIN_ADDRESS: "10000/1m",
  HUBBUB_QUOTA_JOIN_ADDRESS: "10000/1m",
  HUBBUB_QUOTA_REQUESTS: "5000+1000/1s",
  // A list of rooms is long.
  HUBBUB_QUOTA_CREATE_ROOM: "10000/1m",
  // Administrators, for the tests that need one.
  HUBBUB_ADMINS: "warden,keeper-light,keeper-dark",
  // Where the pages are that links of the tests lead to.
  HUBBUB_LINK_PREVIEW_NETWORKS: "127.0.0.1",
  HUBBUB_OFFLINE_GRACE: "2s",
  HUBBUB_DRAIN: "2s",
  HUBBUB_SHUTDOWN_GRACE: "8s",
};

/**
 * So many ports in a row that nothing listens on. They are below those that the system gives out by
 * itself: one of these could be taken before it is used.
 */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = 11_000 + Math.floor(Math.random() * 20_000);
    const all = Array.from({ length: count }, (_, offset) => isFree(first + offset));
    if ((await Promise.all(all)).every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
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
