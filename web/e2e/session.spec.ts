import { expect, test } from "./fixtures";
import type { Person } from "./person";

/** What a device keeps of somebody, each store of it as text. */
function kept({ page }: Person): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const found: Record<string, string> = {};
    for (const { name } of await indexedDB.databases()) {
      if (!name?.startsWith("hubbub.")) continue;
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => resolve(opening.result);
      });
      for (const store of database.objectStoreNames) {
        const reading = database.transaction(store).objectStore(store).getAll();
        await new Promise((done) => {
          reading.onsuccess = done;
        });
        found[store] = JSON.stringify(reading.result);
      }
      database.close();
    }
    return found;
  });
}

async function logsOut({ page }: Person): Promise<void> {
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await expect(page.getByLabel("Password")).toBeVisible();
}

test("a server that is busy for a moment throws nobody out", async ({ person }) => {
  const ada = await person("Ada");
  ada.serverMayBeAway = true;
  await ada.opens(await ada.makesRoom("Kept"));
  let refused = 0;
  const problem = { status: 503, code: "unavailable", detail: "elsewhere", title: "", type: "" };
  await ada.context.route(
    "**/api/v1/me",
    (route) => {
      refused += 1;
      return route.fulfill({ status: 503, json: problem, contentType: "application/problem+json" });
    },
    { times: 1 },
  );
  await ada.page.reload();
  await ada.says("still here");
  await ada.delivery("still here", "Sent");
  expect(refused).toBe(1);
});

test("who logs out without a server stays out, and the server is told when it is back", async ({
  person,
  network,
}) => {
  const ada = await person("Ada", { network });
  ada.serverMayBeAway = true;
  await ada.opens(await ada.makesRoom("Left"));
  await ada.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  network.down();
  await logsOut(ada);
  await expect(ada.page).toHaveURL(/\/$/);
  const notice = ada.page.getByText("will be told later");
  await expect(notice).toBeVisible();
  await ada.page.reload();
  await expect(notice).toBeVisible();
  network.up();
  await expect(notice).toBeHidden({ timeout: 40_000 });
  const names = (await ada.context.cookies()).map(({ name }) => name);
  expect(names.filter((name) => name.includes("hubbub_csrf"))).toEqual([]);
});

test("a session that is ended elsewhere takes along what was read, and leaves what was written", async ({
  person,
  visitor,
}) => {
  const ada = await person("Ada");
  ada.refusalIsExpected = true;
  await ada.opens(await ada.makesRoom("Secret room"));
  await ada.says("a secret");
  await ada.delivery("a secret", "Sent");
  await ada.composer.fill("half a sentence");
  await expect.poll(async () => (await kept(ada)).rooms).toContain("a secret");
  await expect.poll(async () => (await kept(ada)).lists).toContain("Secret room");

  const elsewhere = await visitor("Ada", { username: ada.username });
  await elsewhere.asks("login", { username: ada.username, password: ada.password, transport: "cookie" });
  await elsewhere.asks("me/sessions", undefined, "DELETE");
  await expect(ada.page.getByText("Your session has ended.")).toBeVisible();
  await expect
    .poll(() => kept(ada))
    .toMatchObject({ rooms: "[]", lists: "[]", drafts: expect.stringContaining("half a sentence") });
});
