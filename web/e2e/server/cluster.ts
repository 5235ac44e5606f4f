import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "@playwright/test";
import type { Deployment } from "./deployment";
import { end, freePorts, PROFILE, ROOT, ready, SETTINGS, start } from "./process";

/** Redis, MongoDB, a worker, two gateways, and nginx in front of them. */
export async function cluster(browser: Browser): Promise<Deployment> {
  const state = await mkdtemp(join(tmpdir(), "hubbub-browser-"));
  const port = await freePorts(8);
  const first = port + 1;
  const args = [
    ["--port", port],
    ["--gateway-port", first],
    ["--admin-port", port + 3],
    ["--worker-admin-port", port + 5],
    ["--redis-port", port + 6],
    ["--mongodb-port", port + 7],
    ["--state", state],
    ["--profile", PROFILE],
    ...Object.entries(SETTINGS).map(([name, value]) => ["--set", `${name}=${value}`]),
  ].flat();
  const log = join(state, "log");
  const child = start(join(ROOT, "tools/cluster"), args.map(String), log);
  const origin = `http://127.0.0.1:${port}`;
  await ready(origin).catch(async (error: unknown) => {
    await end(child);
    throw new Error(`${error}\n${await readFile(log, "utf8")}`);
  });
  const cookies = await affinities(browser, origin);

  const pid = async (gateway: number) => {
    return Number(await readFile(join(state, `logs/gateway-${gateway + 1}.pid`), "utf8"));
  };
  const replaced = async (gateway: number, signal: NodeJS.Signals) => {
    const before = await pid(gateway);
    process.kill(before, signal);
    while ((await pid(gateway)) === before) await new Promise((done) => setTimeout(done, 50));
    await ready(`http://127.0.0.1:${first + gateway}`);
  };
  return {
    kind: "cluster",
    origin,
    affinity: (gateway) => cookies[gateway],
    kill: (gateway) => replaced(gateway, "SIGKILL"),
    restart: (gateway) => replaced(gateway, "SIGTERM"),
    fill: () => Promise.reject(new Error("only a standalone server is filled")),
    stop: async () => {
      await end(child);
      await rm(state, { recursive: true, force: true });
    },
  };
}

/** A cookie for each gateway, found by trying: the load balancer hashes them. */
async function affinities(browser: Browser, origin: string): Promise<string[]> {
  const context = await browser.newContext({ baseURL: origin });
  const body = { username: "somebody.who.looks", password: "looks around" };
  const answer = await context.request.post("/api/v1/register", { data: body, headers: { origin } });
  const { access_token: token } = (await answer.json()) as { access_token: string };
  const page = await context.newPage();
  await page.goto("/favicon.svg");
  const found: string[] = [];
  for (let value = 0; found.filter(Boolean).length < 2; value += 1) {
    if (value > 64) throw new Error("every cookie leads to one gateway");
    await context.addCookies([{ name: "hubbub_node", value: `try-${value}`, url: origin }]);
    const node = await page.evaluate(greeting, token);
    found[node === "gateway-1" ? 0 : 1] ??= `try-${value}`;
  }
  await context.close();
  return found;
}

/** The name of the gateway that greets a new socket. Runs in the page. */
function greeting(token: string): Promise<string> {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws`, "hubbub.v1");
  socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token }));
  return new Promise((resolve, reject) => {
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as { type: string; node: string };
      if (frame.type !== "ready") return;
      socket.onclose = null;
      socket.close();
      resolve(frame.node);
    };
  });
}
