import { expect, test } from "./fixtures";

test("nobody jumps to another group under the pointer", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const room = await ada.makesRoom("Tea room");
  await ada.opens(room);
  await ben.joins(room);
  await ada.page.getByRole("button", { name: "2 members" }).click();
  const panel = ada.page.getByRole("complementary");
  const row = panel.getByRole("button", { name: /Ben/ });
  await expect(row).toContainText("Online");
  await row.hover();
  await ben.page.close();
  await expect(row).toContainText(/Last seen|Offline/, { timeout: 30_000 });
  await expect(panel.getByRole("heading", { name: /^Online · 2/ })).toBeVisible();
  await ada.page.mouse.move(600, 300);
  await expect(panel.getByRole("heading", { name: /^Online · 1/ })).toBeVisible();
  await expect(panel.getByRole("heading", { name: /^Offline · 1/ })).toBeVisible();
});

test("who wants to be seen as away or not at all is, and comes back as they are", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const room = await ada.makesRoom("Quiet corner");
  await ada.opens(room);
  await ben.joins(room);
  await ada.page.getByRole("button", { name: "2 members" }).click();
  const row = ada.page.getByRole("complementary").getByRole("button", { name: /Ben/ });
  await expect(row).toContainText("Online");
  const appears = async (label: string) => {
    await ben.page.getByRole("button", { name: "Settings" }).click();
    await ben.page.getByLabel("Show me as").selectOption({ label });
    await ben.page.getByRole("button", { name: "Save" }).click();
    await ben.page.keyboard.press("Escape");
  };
  await appears("Away");
  await expect(row).toContainText("Away");
  await appears("Invisible: offline to everybody");
  await expect(row).toContainText("Offline");
  await ben.says("still here");
  await ada.sees("still here");
  await appears("Online while I am here");
  await expect(row).toContainText("Online");
});
