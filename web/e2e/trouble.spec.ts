import type { Route } from "@playwright/test";
import { expect, test } from "./fixtures";
import type { Person, RoomView } from "./person";

/** What a room's log holds from its beginning, as the server tells it, page by page. */
async function logOf(person: Person, room: RoomView): Promise<string[]> {
  const texts: string[] = [];
  let after: number | undefined = 0;
  while (after !== undefined) {
    const page: { messages: { body: { text: string } }[]; after?: number } = await person.asks(
      `rooms/${room.id}/messages?limit=100&after=${after}`,
    );
    texts.push(...page.messages.map(({ body }) => body.text));
    after = page.after;
  }
  return texts;
}

/** So many messages at the end of a short log are on a screen at once; older ones need not be drawn. */
const ON_SCREEN = 10;

/**
 * The log holds exactly these, in the order in which each of them was said, and every screen shows the
 * newest of them.
 */
async function expectWhole(people: readonly Person[], room: RoomView, said: readonly (readonly string[])[]) {
  const all = said.flat();
  await expect(async () => {
    const log = await logOf(people[0] as Person, room);
    expect([...log].sort()).toEqual([...all].sort());
    for (const one of said) expect(log.filter((text) => one.includes(text))).toEqual(one);
    for (const person of people) {
      const shown = await person.texts();
      expect(shown.length).toBeGreaterThanOrEqual(Math.min(log.length, ON_SCREEN));
      expect(shown).toEqual(log.slice(-shown.length));
    }
  }).toPass({ timeout: 20_000 });
}

/** Counts how often the bar that says that there is no connection was shown, from now on. */
async function watchBanner(person: Person): Promise<() => Promise<number>> {
  await person.page.evaluate(() => {
    let count = 0;
    const look = () => {
      if (document.querySelector(".linkbar")) count += 1;
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
    Object.assign(window, { bannersSeen: () => count });
  });
  return () => person.page.evaluate(() => (window as unknown as { bannersSeen(): number }).bannersSeen());
}

test("the gateway of somebody who writes is killed: nothing is lost, nothing is doubled", async ({
  person,
  server,
}) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  for (const somebody of [ada, ben]) somebody.serverMayBeAway = true;
  const room = await ada.makesRoom("Shaken");
  await ada.opens(room);
  await ben.joins(room);
  const banners = server.kind === "cluster" ? await watchBanner(ada) : undefined;
  const said: string[] = [];
  let killed: Promise<void> | undefined;
  for (let count = 0; count < 24; count += 1) {
    said.push(`word ${count}`);
    await ada.says(`word ${count}`);
    if (count === 8) killed = server.kill(0);
  }
  await killed;
  await expectWhole([ada, ben], room, [said]);
  await expect(ada.timeline.getByRole("alert")).toHaveCount(0);
  // With another gateway there, the move is too fast to be worth a word.
  if (banners) expect(await banners()).toBe(0);
});

test("a gateway leaves under a steady conversation, and nobody notices", async ({ person, server }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  // In standalone the only gateway is gone for a moment, and the browser tells of each attempt.
  for (const somebody of [ada, ben]) somebody.serverMayBeAway = server.kind === "standalone";
  const room = await ada.makesRoom("Steady");
  await ada.opens(room);
  await ben.joins(room);
  const banners = [await watchBanner(ada), await watchBanner(ben)];
  let isBack = false;
  const restart = server.restart(0).then(() => {
    isBack = true;
  });
  const said: [string[], string[]] = [[], []];
  for (let round = 0; !isBack || round < 10; round += 1) {
    said[0].push(`ada ${round}`);
    await ada.says(`ada ${round}`);
    said[1].push(`ben ${round}`);
    await ben.says(`ben ${round}`);
    await ben.sees(`ada ${round}`);
    await ada.sees(`ben ${round}`);
  }
  await restart;
  await expectWhole([ada, ben], room, said);
  for (const seen of banners) expect(await seen()).toBe(0);
});

test("what is written without a network is sent when it is back", async ({ person, network }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0, network }), await person("Ben", { gateway: 1 })];
  ada.serverMayBeAway = true;
  const room = await ada.makesRoom("Underground");
  await ada.opens(room);
  await ben.joins(room);
  await ada.says("before");
  await ben.sees("before");
  network.down();
  await expect(ada.banner).toBeVisible();
  await ada.says("in the tunnel");
  await ada.sees("in the tunnel");
  await expect(ada.message("in the tunnel").locator(".delivery")).toHaveAttribute(
    "aria-label",
    "Waits for a connection",
  );
  await ben.says("are you there?");
  network.up();
  await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
  await expect(ada.banner).toBeHidden();
  await expectWhole([ada, ben], room, [["before", "in the tunnel"], ["are you there?"]]);
});

test("what is written without a network for a room that is gone by then is given back", async ({
  person,
  network,
}) => {
  const [ada, ben] = [await person("Ada", { network }), await person("Ben")];
  ada.serverMayBeAway = true;
  ada.refusalIsExpected = true;
  const room = await ben.makesRoom("Island");
  await ada.joins(room);
  await ada.says("before");
  await ada.delivery("before", "Sent");
  network.down();
  await expect(ada.banner).toBeVisible();
  await ada.says("in a bottle");
  await ada.sees("in a bottle");
  await ben.asks(`rooms/${room.id}`, { name: "Island" }, "DELETE");
  network.up();
  await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
  const told = ada.page.locator(".toast", { hasText: "1 message was not sent" });
  await ada.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await told.getByRole("button", { name: "Copy text" }).click();
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe("in a bottle");
  await told.getByRole("button", { name: "Dismiss" }).click();
  await ada.page.reload();
  await expect(ada.page.getByRole("navigation", { name: "Rooms" })).toBeVisible();
  await expect(ada.banner).toBeHidden();
  await expect(told).toHaveCount(0);
});

test("a network that swallows everything without a word is left when the device wakes up", async ({
  person,
  network,
}) => {
  const ada = await person("Ada", { network });
  ada.serverMayBeAway = true;
  const room = await ada.makesRoom("Asleep");
  await ada.opens(room);
  await ada.says("good night");
  await ada.delivery("good night", "Sent");
  network.swallow();
  await ada.says("good morning");
  await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
  await ada.delivery("good morning", "Sent");
  await expectWhole([ada], room, [["good night", "good morning"]]);
});

test("a reload in the middle of sending loses nothing and doubles nothing", async ({ person }) => {
  const ada = await person("Ada");
  ada.serverMayBeAway = true;
  const room = await ada.makesRoom("Reloaded");
  await ada.opens(room);
  const said: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    for (const part of ["one", "two", "three"]) {
      said.push(`${part} of ${round}`);
      await ada.says(`${part} of ${round}`);
      await expect(ada.message(`${part} of ${round}`)).toBeVisible();
    }
    await ada.page.reload();
    await expect(ada.composer).toBeVisible();
  }
  await expectWhole([ada], room, [said]);
});

test("two tabs show the same, over one socket, and one goes on when the other is closed", async ({
  person,
}) => {
  const ada = await person("Ada");
  const room = await ada.makesRoom("Twice");
  await ada.opens(room);
  const sockets: string[] = [];
  ada.context.on("page", (page) => page.on("websocket", (socket) => sockets.push(socket.url())));
  const second = await ada.context.newPage();
  await second.goto(`/rooms/${room.id}`);
  const composer = second.getByRole("combobox", { name: /^Message / });
  const log = second.getByRole("log");
  await composer.fill("from the second");
  await composer.press("Enter");
  await ada.sees("from the second");
  await ada.says("from the first");
  await expect(log.getByText("from the first")).toBeVisible();
  expect(sockets).toEqual([]);

  await ada.page.close();
  await composer.fill("alone now");
  await composer.press("Enter");
  await expect(
    second.getByRole("article").filter({ hasText: "alone now" }).locator(".delivery"),
  ).toHaveAttribute("aria-label", "Sent");
  expect(sockets.length).toBe(1);
  await expect(log.getByRole("article")).toHaveCount(3);
});

test("what is known is shown without a network at all", async ({ person, network }) => {
  const ada = await person("Ada", { network });
  ada.serverMayBeAway = true;
  const room = await ada.makesRoom("Remembered");
  await ada.opens(room);
  await ada.says("keep this");
  await ada.delivery("keep this", "Sent");
  // The device's memory is written every two seconds; this is how it can be seen.
  await expect
    .poll(() => ada.page.evaluate(remembered, "keep this"), { message: "the device remembers it" })
    .toBe(true);
  network.down();
  await ada.page.goto("/");
  await ada.page.getByRole("link", { name: /^Remembered/ }).click();
  await ada.sees("keep this");
  await ada.says("for later");
  network.up();
  await ada.delivery("for later", "Sent");
});

test("what could not be loaded says so, and comes with another try", async ({ person }) => {
  const ada = await person("Ada");
  ada.refusalIsExpected = true;
  const problem = { status: 400, code: "bad_query", detail: "refused", title: "", type: "" };
  const refuse = (route: Route) => route.fulfill({ status: 400, json: problem });
  const [inbox, users] = ["**/api/v1/me/inbox?*", "**/api/v1/users?*"];
  await ada.context.route(inbox, refuse);
  await ada.context.route(users, refuse);
  await ada.page.goto("/inbox");
  const main = ada.page.getByRole("main");
  await expect(main.getByRole("alert")).toContainText("This could not be loaded.");
  await expect(main.getByText("You have missed nothing")).toHaveCount(0);
  await ada.context.unroute(inbox);
  await main.getByRole("button", { name: "Try again" }).click();
  await expect(main.getByText("You have missed nothing")).toBeVisible();

  await ada.page.getByRole("button", { name: "Add a room" }).click();
  await ada.page.getByRole("menuitem", { name: "Message people" }).click();
  const dialog = ada.page.getByRole("dialog");
  await expect(dialog.getByRole("alert")).toContainText("This could not be loaded.");
  await expect(dialog.getByText("Nobody is called that.")).toHaveCount(0);
  await ada.context.unroute(users);
  await dialog.getByRole("button", { name: "Try again" }).click();
  await expect(dialog.getByRole("listitem").first()).toBeVisible();
});

/** Whether the device remembers a message. Runs in the page. */
async function remembered(text: string): Promise<boolean> {
  const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
  for (const name of names.filter((name) => name.startsWith("hubbub."))) {
    const rooms = await new Promise<unknown[]>((resolve, reject) => {
      const opening = indexedDB.open(name);
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const reading = opening.result.transaction("rooms").objectStore("rooms").getAll();
        reading.onsuccess = () => {
          opening.result.close();
          resolve(reading.result);
        };
      };
    });
    if (JSON.stringify(rooms).includes(text)) return true;
  }
  return false;
}

test("on a device that is full, what can't be sent is said, and stays where it was written", async ({
  person,
}) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Kitchen"));
  await ada.says("Tea?");
  await ada.delivery("Tea?", "Sent");
  await ada.page.evaluate(() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...args) {
      if (this.name === "outbox") throw new DOMException("", "QuotaExceededError");
      return put.apply(this, args);
    };
  });
  const told = ada.page.locator(".toast", { hasText: "no space" });
  await ada.composer.fill("Coffee?");
  await ada.composer.press("Enter");
  await expect(told).toHaveCount(1);
  await expect(ada.composer).toHaveValue("Coffee?");

  await ada.acts("Tea?", "Edit");
  const editing = ada.page.getByLabel("Edit message");
  await editing.fill("Green tea?");
  await editing.press("Enter");
  await expect(told).toHaveCount(2);
  await expect(editing).toHaveValue("Green tea?");
});
