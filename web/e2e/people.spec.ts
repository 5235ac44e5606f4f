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
