import { expect, test } from "./fixtures";
import type { Person } from "./person";

/** Notes what the page notifies of, in order, whatever becomes of it. Runs in the page. */
function record(): void {
  const told: string[] = [];
  Object.assign(window, { told });
  ServiceWorkerRegistration.prototype.showNotification = (_, options) => {
    told.push(options?.body ?? "");
    return Promise.resolve();
  };
}

const told = ({ page }: Person) => page.evaluate(() => [...(window as unknown as { told: string[] }).told]);

/** Nobody looks at a page, and nobody has touched its browser for a minute. */
async function leaves({ page }: Person): Promise<void> {
  await page.evaluate(() => {
    document.hasFocus = () => false;
    window.dispatchEvent(new Event("blur"));
    localStorage.setItem("hubbub.last-input", String(Date.now() - 60_000));
  });
}

/** Nobody looks at a page any more. */
async function looksAway({ page }: Person): Promise<void> {
  await page.evaluate(() => {
    document.hasFocus = () => false;
    window.dispatchEvent(new Event("blur"));
  });
}

test("what is read on one device no other one notifies of", async ({ person, visitor }) => {
  const [ada, phone] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const desk = await visitor("Ben", { username: phone.username, permissions: ["notifications"] });
  await desk.page.addInitScript(record);
  const { username, password } = phone;
  await desk.asks("login", { username, password, transport: "cookie" });
  const room = await ada.makesRoom("Tea room");
  await phone.joins(room);
  await desk.opens(room);
  await desk.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await leaves(desk);
  await ada.opens(room);

  // At the phone they read it, which takes a second and more.
  await phone.page.bringToFront();
  await ada.says(`@${username} at the phone`);
  await ada.delivery("at the phone", "Read");
  // Nobody reads this one anywhere: it is told of, after whatever came before it.
  await looksAway(phone);
  await ada.says(`@${username} at no device`);
  await expect.poll(() => told(desk)).toContain(`Ada: @${username} at no device`);
  expect(await told(desk)).toEqual([`Ada: @${username} at no device`]);
});

test("who has just been at a device is notified there at once", async ({ person }) => {
  const ada = await person("Ada", { gateway: 0 });
  const ben = await person("Ben", { gateway: 1, permissions: ["notifications"] });
  await ben.page.addInitScript(record);
  const room = await ada.makesRoom("Tea room");
  await ben.joins(room);
  await ben.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await ada.opens(room);
  await looksAway(ben);
  await ben.page.evaluate(() => localStorage.setItem("hubbub.last-input", String(Date.now())));
  await ada.says(`@${ben.username} hello`);
  await ben.sees("hello");
  await expect.poll(() => told(ben), { timeout: 1_000 }).toEqual([`Ada: @${ben.username} hello`]);
});
