import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const length = (page: Page) => page.evaluate(() => history.length);

test("on a phone the back button closes whatever is on top, one after the other", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  const { page } = ada;
  const room = await ada.makesRoom("Pocket");
  const rooms = page.getByRole("navigation", { name: "Rooms" });
  await page.goto("/");
  await rooms.getByRole("link", { name: /^Pocket/ }).tap();
  await ada.says("a picture");
  await ada.delivery("a picture", "Sent");

  await ada.message("a picture").tap();
  await ada.action("a picture", "More").tap();
  await expect(page.getByRole("menu")).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("menu")).toBeHidden();
  await expect(page).toHaveURL(new RegExp(room.id));

  await ada.action("a picture", "React").tap();
  await expect(page.getByPlaceholder("Search emoji")).toBeVisible();
  await page.goBack();
  await expect(page.getByPlaceholder("Search emoji")).toBeHidden();

  // A panel, a person on it, and their picture's question on top of that.
  await page.getByRole("heading", { name: "Pocket", level: 1 }).tap();
  const panel = page.getByRole("complementary").last();
  await expect(panel.getByRole("button", { name: "Leave…" })).toBeVisible();
  await panel.getByRole("button", { name: "Leave…" }).tap();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(panel).toBeVisible();
  await page.goBack();
  await expect(panel.getByRole("button", { name: "Leave…" })).toBeHidden();
  await expect(ada.composer).toBeVisible();
  await page.goBack();
  await expect(rooms).toBeVisible();
});

test("the back button closes a picture that fills the screen", async ({ person }) => {
  const ada = await person("Ada");
  const { page } = ada;
  await ada.opens(await ada.makesRoom("Gallery"));
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).click();
  await (await chooser).setFiles([
    { name: "screen.png", mimeType: "image/png", buffer: await page.screenshot() },
  ]);
  await ada.says("look");
  await ada.delivery("look", "Sent");
  await ada.message("look").getByRole("button", { name: "Open screen.png" }).click();
  await expect(page.locator(".yarl__slide_current img")).toBeVisible();
  await page.goBack();
  await expect(page.locator(".yarl__root")).toHaveCount(0);
  await expect(ada.composer).toBeVisible();
});

test("what was closed by other means leaves nothing behind in the history", async ({ person }) => {
  const ada = await person("Ada");
  const { page } = ada;
  const [first, second] = [await ada.makesRoom("First"), await ada.makesRoom("Second")];
  await ada.opens(first);
  await page.getByRole("link", { name: /^Second/ }).click();
  await expect(page).toHaveURL(new RegExp(second.id));
  await page.keyboard.press("Control+/");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.keyboard.press("Control+/");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page).toHaveURL(new RegExp(second.id));

  // Forward leads to what is closed: nothing happens, and nothing is stuck.
  await page.goForward();
  await expect(page.getByRole("dialog")).toBeHidden();
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(first.id));
  await page.goForward();
  await expect(page).toHaveURL(new RegExp(second.id));

  // A page that is reached from a dialog takes the dialog's place.
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Room or person" }).fill("First");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(first.id));
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(second.id));
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("a reload with a dialog open forgets the dialog, and back leads to the page before", async ({
  person,
}) => {
  const ada = await person("Ada");
  const { page } = ada;
  const room = await ada.makesRoom("Kept");
  await page.goto("/directory");
  await page.getByRole("link", { name: /^Kept/ }).click();
  await expect(ada.composer).toBeVisible();
  await page.keyboard.press("Control+/");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.reload();
  await expect(ada.composer).toBeVisible();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page).toHaveURL(new RegExp(room.id));
  await page.goBack();
  await expect(page).toHaveURL(/directory/);
});

test("opening and closing a panel again and again does not lengthen the way back", async ({ person }) => {
  const ada = await person("Ada");
  const { page } = ada;
  await page.goto("/directory");
  const room = await ada.makesRoom("Short way");
  await page.goto("/directory");
  await page.getByRole("link", { name: /^Short way/ }).click();
  const before = await length(page);
  for (let count = 0; count < 3; count += 1) {
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await expect(page.getByRole("complementary")).toBeVisible();
    await page.getByRole("button", { name: "1 member" }).click();
    await expect(page.getByRole("heading", { name: "Members" })).toBeVisible();
    await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
    await expect(page.getByRole("complementary")).toBeHidden();
  }
  expect(await length(page)).toBeLessThanOrEqual(before + 1);
  await expect(page).toHaveURL(new RegExp(room.id));
  await page.goBack();
  await expect(page).toHaveURL(/directory/);
});
