import { type ChildProcess, execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Deployment } from "./deployment";
import { BINARIES, end, freePorts, ready, SETTINGS, start } from "./process";

/** One gateway with everything in it. */
export async function standalone(settings: Readonly<Record<string, string>> = {}): Promise<Deployment> {
  const directory = await mkdtemp(join(tmpdir(), "hubbub-browser-"));
  const listen = `127.0.0.1:${await freePorts(1)}`;
  const origin = `http://${listen}`;
  const env = {
    ...SETTINGS,
    HUBBUB_LISTEN: listen,
    HUBBUB_ADMIN_LISTEN: "127.0.0.1:0",
    HUBBUB_DATA_DIR: join(directory, "data"),
    ...settings,
  };
  let stopping = false;
  const launch = (): ChildProcess => {
    const child = start(join(BINARIES, "hubbub-gateway"), [], join(directory, "log"), env);
    child.once("exit", () => {
      if (!stopping) gateway = launch();
    });
    return child;
  };
  let gateway = launch();
  await ready(origin);

  const fill = async (room: string, sender: string, count: number) => {
    stopping = true;
    await end(gateway);
    const tool = join(import.meta.dirname, "fill-room");
    const database = join(directory, "data/hubbub.db");
    await promisify(execFile)(tool, [database, room, sender, String(count)]);
    stopping = false;
    gateway = launch();
    await ready(origin);
  };
  const replaced = async (signal: NodeJS.Signals) => {
    const ended = once(gateway, "exit");
    gateway.kill(signal);
    await ended;
    await ready(origin);
  };
  return {
    kind: "standalone",
    origin,
    affinity: () => undefined,
    kill: () => replaced("SIGKILL"),
    restart: () => replaced("SIGTERM"),
    fill,
    stop: async () => {
      stopping = true;
      await end(gateway);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
