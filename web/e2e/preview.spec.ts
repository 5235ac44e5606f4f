import { expect, test } from "./fixtures";
import type { Person } from "./person";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const card = (person: Person, text: string | RegExp) => person.message(text).locator(".link-card");

/** Where a message stands on the screen, and how high it is. */
async function place(person: Person, text: string | RegExp) {
  return await person.message(text).boundingBox();
}

test("a card shows what a link leads to, and nothing moves when that comes", async ({ person, pages }) => {
  const ben = await person("Ben", { gateway: 1 });
  const ada = await person("Ada", { gateway: 0 });
  const room = await ben.makesRoom("Garden");
  await ben.opens(room);
  await ada.joins(room);
  pages.hold();
  await ada.says(`Look: ${pages.url("/Roses%20in%20June")}`);
  await ada.delivery("Look:", "Sent");
  await ben.says("Nice");
  await ada.sees("Nice");

  await expect(card(ada, "Look:")).toHaveAttribute("aria-busy", "true");
  await expect(card(ben, "Look:")).toHaveAttribute("aria-busy", "true");
  const before = [await place(ada, "Look:"), await place(ada, "Nice")];
  pages.release();
  for (const reader of [ada, ben]) {
    const shown = card(reader, "Look:");
    await expect(shown.getByText("Roses in June")).toBeVisible();
    await expect(shown.getByText("The Gardener")).toBeVisible();
    await expect(shown.getByText(/^What to sow in which month/)).toBeVisible();
    const picture = shown.locator("img");
    await expect
      .poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(0);
    expect(await picture.getAttribute("src")).toMatch(/^\/api\/v1\/rooms\/.+\/preview\/image\?v=/);
    await expect(shown).toHaveAttribute("rel", "noopener noreferrer nofollow");
    await expect(shown).toHaveAttribute("href", pages.url("/Roses%20in%20June"));
  }
  expect([await place(ada, "Look:"), await place(ada, "Nice")]).toEqual(before);
});

test("a link that leads to nothing that can be told has a card of the same height", async ({
  person,
  pages,
}) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Garden"));
  await ada.says(`There ${pages.url("/Roses")}`);
  await ada.says(`Nowhere ${pages.url("/nothing/here?a=1")}`);
  await expect(card(ada, "There").getByText("Roses", { exact: true })).toBeVisible();
  const nowhere = card(ada, "Nowhere");
  await expect(nowhere.getByText("/nothing/here?a=1")).toBeVisible();
  await expect(nowhere).not.toHaveAttribute("aria-busy");
  const heights = [await card(ada, "There").boundingBox(), await nowhere.boundingBox()];
  expect(heights[0]?.height).toBe(heights[1]?.height);
});

test("a link has no card where its author does not want one, and a card follows its message", async ({
  person,
  pages,
}) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Garden"));
  await ada.says(`Quiet <${pages.url("/quiet")}> and \`${pages.url("/code")}\``);
  await ada.says(`Hidden ||${pages.url("/hidden")}||`);
  await ada.says(`Loud ${pages.url("/Tulips")}`);
  await expect(card(ada, "Loud").getByText("Tulips", { exact: true })).toBeVisible();
  await expect(ada.page.locator(".link-card")).toHaveCount(1);

  await ada.acts("Loud", "Edit");
  const box = ada.page.getByRole("textbox", { name: "Edit message" });
  await box.fill(`Loud ${pages.url("/Lilies")}`);
  await box.press("Enter");
  await expect(card(ada, "Loud").getByText("Lilies", { exact: true })).toBeVisible();
  expect(pages.asked.filter((path) => path !== "/picture.png")).toEqual(["/Tulips", "/Lilies"]);

  await ada.acts("Loud", "More");
  await ada.page.getByRole("menuitem", { name: "Delete" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(ada.page.getByText("This message was deleted.")).toBeVisible();
  await expect(ada.page.locator(".link-card")).toHaveCount(0);
});

test("who wants no cards has none, and no server is asked", async ({ person, pages }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Garden"));
  const asked: string[] = [];
  ada.page.on("request", (request) => {
    if (request.url().endsWith("/preview")) asked.push(request.url());
  });
  await ada.page.evaluate(() =>
    localStorage.setItem(
      "hubbub.preferences",
      JSON.stringify({ state: { linkPreviews: false }, version: 0 }),
    ),
  );
  await ada.page.reload();
  await ada.says(`Look ${pages.url("/Roses")}`);
  await ada.delivery("Look", "Sent");
  await expect(ada.page.locator(".link-card")).toHaveCount(0);
  expect(asked).toEqual([]);

  await ada.page.getByRole("button", { name: "Settings", exact: true }).click();
  await ada.page.getByRole("button", { name: "Appearance" }).click();
  await ada.page.getByRole("checkbox", { name: "Show link previews" }).check();
  await ada.page.keyboard.press("Escape");
  await expect(card(ada, "Look").getByText("Roses", { exact: true })).toBeVisible();
});

test("on a phone, from right to left, a card is no wider than the screen", async ({ person, pages }) => {
  const ada = await person("Ada", { ...PHONE, locale: "ar" });
  const room = await ada.makesRoom("Garden");
  await ada.page.goto(`/rooms/${room.id}`);
  const composer = ada.page.getByRole("combobox");
  await composer.fill(`${pages.url("/%D9%88%D8%B1%D8%AF")}`);
  await composer.press("Enter");
  const shown = ada.page.locator(".link-card");
  await expect(shown.getByText("ورد", { exact: true })).toBeVisible();
  const box = await shown.boundingBox();
  expect((box?.x ?? 0) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= 390).toBe(true);
  const wide = await ada.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
});
