import { expect, test } from "./fixtures";
import type { Person } from "./person";

const divider = ({ timeline }: Person) => timeline.locator(".new-divider");

/** Lets a page believe that its window has lost the focus, or has it again. */
async function looks({ page }: Person, on: boolean): Promise<void> {
  await page.evaluate((on) => {
    document.hasFocus = () => on;
    window.dispatchEvent(new Event(on ? "focus" : "blur"));
  }, on);
}

test("what one sees come is not new, what came while one looked away is", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const [room, other] = [await ada.makesRoom("Tea room"), await ben.makesRoom("Elsewhere")];
  await ada.opens(room);
  await ben.joins(room);
  await ada.says("seen");
  await ada.delivery("seen", "Read");
  await expect(divider(ben)).toHaveCount(0);

  await looks(ben, false);
  await ada.says("missed");
  await ada.says("missed too");
  await ben.sees("missed too");
  await expect(divider(ben)).toHaveCount(1);
  await looks(ben, true);
  await ada.delivery("missed too", "Read");
  await expect(divider(ben), "it stays while they read").toHaveCount(1);
  const place = await divider(ben).boundingBox();
  const before = await ben.message("seen").boundingBox();
  const after = await ben.message(/^.*missed(?! too)/).boundingBox();
  expect(place?.y).toBeGreaterThan(before?.y ?? 0);
  expect(place?.y).toBeLessThan(after?.y ?? 0);

  // From another room: what came meanwhile is new, and one's own message is not.
  await ben.page.getByRole("link", { name: /^Elsewhere/ }).click();
  await expect(ben.page).toHaveURL(new RegExp(other.id));
  await ada.says("in the meantime");
  await ada.delivery("in the meantime", "Sent");
  await ben.page.getByRole("link", { name: /^Tea room/ }).click();
  await expect(divider(ben)).toHaveCount(1);
  await ada.delivery("in the meantime", "Read");
  await ben.page.getByRole("link", { name: /^Elsewhere/ }).click();
  await ben.page.getByRole("link", { name: /^Tea room/ }).click();
  await ben.says("mine");
  await ben.delivery("mine", "Read");
  await expect(divider(ben)).toHaveCount(0);
});

test("title and badge count mentions and direct messages, and never what is muted", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const [room, muted] = [await ada.makesRoom("Tea room"), await ada.makesRoom("Loud room")];
  for (const { code } of [room, muted]) await ben.asks("rooms/join", { code });
  await ben.asks(`rooms/${muted.id}/notify`, { notify: "nothing" }, "PUT");
  await ben.page.goto("/directory");
  await expect(ben.page.getByRole("link", { name: /^Loud room/ })).toBeVisible();
  await expect(ben.page).toHaveTitle("Hubbub");
  await ada.opens(muted);
  await ada.says(`@${ben.username} psst`);
  await ada.delivery("psst", "Sent");
  await ada.opens(room);
  await ada.says("to nobody");
  await ada.says(`@${ben.username} hello`);
  await expect(ben.page).toHaveTitle("(1) Hubbub");
  await expect(ben.page.getByRole("link", { name: /^Tea room/ }).locator(".badge")).toHaveText("1");
  await expect(ben.page.getByRole("link", { name: /^Loud room/ }).locator(".badge")).toHaveCount(0);

  const { id } = await ben.asks<{ id: string }>("me");
  const direct = await ada.asks<{ id: string }>("direct", { user: id });
  await ada.opens(direct);
  await ada.says("just you");
  await expect(ben.page).toHaveTitle("(2) Hubbub");
  // Deleted is not unread any more, and neither is what was read.
  await ada.acts("just you", "More");
  await ada.page.getByRole("menuitem", { name: "Delete" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await expect(ben.page).toHaveTitle("(1) Hubbub");
  await ben.page.getByRole("link", { name: /^Tea room/ }).click();
  await expect(ben.page).toHaveTitle("Hubbub");
});

test("a notification stays until what it tells of is read", async ({ person }) => {
  const ada = await person("Ada", { gateway: 0 });
  const ben = await person("Ben", { gateway: 1, permissions: ["notifications"] });
  const room = await ada.makesRoom("Tea room");
  await ben.joins(room);
  await ada.opens(room);
  await ben.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const shown = () =>
    ben.page.evaluate(async () => {
      const worker = await navigator.serviceWorker.getRegistration();
      return (await worker?.getNotifications())?.map(({ title, body }) => `${title}: ${body}`) ?? [];
    });
  await looks(ben, false);
  await ada.says(`@${ben.username} the first`);
  await ada.says(`@${ben.username} the second`);
  // It has arrived, on a screen that nobody looks at.
  await ada.delivery("the second", "Delivered");
  await expect.poll(shown).toEqual([`Tea room: Ada: @${ben.username} the second`]);
  await looks(ben, true);
  await ada.delivery("the second", "Read");
  await expect.poll(shown).toEqual([]);
});

test("a screen reader is told which of the messages one is at", async ({ person }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Counted"));
  for (const text of ["one", "two", "three"]) await ada.says(text);
  await ada.delivery("three", "Sent");
  const second = ada.message("two");
  await expect(second).toHaveAttribute("aria-posinset", "2");
  await expect(second).toHaveAttribute("aria-setsize", "3");
});

test("how far one's messages have come is known after a reload too", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const room = await ada.makesRoom("Tea room");
  await ada.opens(room);
  await ben.joins(room);
  await ada.says("read by Ben");
  await ada.delivery("read by Ben", "Read");
  await ada.page.reload();
  await ada.delivery("read by Ben", "Read");
});
