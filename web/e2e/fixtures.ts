import { type BrowserContextOptions, test as base, expect } from "@playwright/test";
import { Person } from "./person";
import { cluster } from "./server/cluster";
import type { Deployment } from "./server/deployment";
import { Network } from "./server/network";
import { Pages } from "./server/pages";
import { standalone } from "./server/standalone";

/** What a project chooses. */
export interface Options {
  deployment: "standalone" | "cluster";
  /** Settings of a standalone server, beside those that every test has. */
  settings: Readonly<Record<string, string>>;
}

interface ForEachWorker extends Options {
  server: Deployment;
}

/** How somebody arrives. */
export interface Arrival extends BrowserContextOptions {
  /** Which gateway serves them, where there are two. */
  gateway?: number;
  /** What they call themselves. */
  username?: string;
  /** Over which network they come; directly if it is left out. */
  network?: Network;
}

interface ForEachTest {
  /** Opens a browser for somebody who has no account yet. */
  visitor(name: string, arrival?: Arrival): Promise<Person>;
  /** A network that can be taken away. */
  network: Network;
  /** Somebody else's web site, which servers may look at. */
  pages: Pages;
  /** Somebody who is registered, with the client open. */
  person(name: string, arrival?: Arrival): Promise<Person>;
}

/**
 * A test against a running server. It fails when any page of it says anything to the console as an
 * error, throws, or breaks the content security policy.
 */
export const test = base.extend<ForEachTest, ForEachWorker>({
  deployment: ["standalone", { option: true, scope: "worker" }],
  settings: [{}, { option: true, scope: "worker" }],
  server: [
    async ({ deployment, settings, browser }, use) => {
      const server = deployment === "cluster" ? await cluster(browser) : await standalone(settings);
      await use(server);
      await server.stop();
    },
    { scope: "worker", timeout: 90_000 },
  ],
  visitor: async ({ browser, server, contextOptions }, use) => {
    const people: Person[] = [];
    await use(async (name, { gateway = 0, network, username, ...options } = {}) => {
      const origin = network?.origin ?? server.origin;
      const context = await browser.newContext({ ...contextOptions, baseURL: origin, ...options });
      const cookie = server.affinity(gateway);
      if (cookie) await context.addCookies([{ name: "hubbub_node", value: cookie, url: origin }]);
      const person = new Person(name, context, await context.newPage(), server.origin, username);
      people.push(person);
      return person;
    });
    for (const person of people) expect(person.complaints, `${person.name}'s browser`).toEqual([]);
    for (const person of people) await person.context.close();
  },
  network: async ({ server }, use) => {
    const network = await Network.to(server.origin);
    await use(network);
    network.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture needs is read off its parameter
  pages: async ({}, use) => {
    const pages = await Pages.start();
    await use(pages);
    pages.stop();
  },
  person: async ({ visitor }, use) => {
    await use(async (name, arrival) => {
      const person = await visitor(name, arrival);
      await person.registers();
      await person.page.goto("/");
      await expect(person.page.getByRole("navigation")).toBeVisible();
      return person;
    });
  },
});

export { expect };
