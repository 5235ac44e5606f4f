import { expect, test } from "./fixtures";

test("an administrator finds any room, destroys it once its name is typed, and the record tells", async ({
  person,
}) => {
  const ada = await person("Ada");
  const stem = `Hidden ${process.pid}`;
  const hidden = await ada.makesRoom(`${stem} one`);
  for (let count = 0; count < 55; count += 1) await ada.makesRoom(`${stem} more ${count}`);
  const ben = await person("Ben");
  await ben.joins(hidden);

  const warden = await person("Warden", { username: "warden" });
  const { page } = warden;
  await page.getByRole("link", { name: "Administration" }).click();
  await page
    .getByRole("navigation", { name: "Administration" })
    .getByRole("button", { name: "Rooms" })
    .click();
  const rows = page.getByRole("main").getByRole("listitem");
  const found = page.waitForResponse(/admin\/rooms\?.*q=Hidden/);
  await page.getByLabel("Find a room").fill(stem);
  await found;
  await expect(rows).toHaveCount(50);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(rows).toHaveCount(56);
  await page.getByLabel("Find a room").fill(`${stem} one`);
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText("Private");
  await expect(rows).toContainText("2 members");
  await expect(rows).toContainText("owned by Ada");

  await rows.getByRole("button", { name: "Destroy…" }).click();
  const destroy = page.getByRole("dialog").getByRole("button", { name: "Destroy", exact: true });
  await expect(destroy).toBeDisabled();
  await page.getByLabel("Type the room’s name to confirm").fill(hidden.name);
  await page.getByRole("dialog").getByLabel("Reason").fill("Nobody is in charge of it");
  await destroy.click();
  await expect(rows).toHaveCount(0);
  await expect(page.getByText("No room is called that")).toBeVisible();
  await expect(ben.page.getByText("This room was destroyed.")).toBeVisible();
  await expect(ben.page.getByRole("log")).toHaveCount(0);

  await page.getByRole("button", { name: "Record" }).click();
  await expect(rows.filter({ hasText: "destroyed a room" })).toContainText("Nobody is in charge of it");
});

test("whoever is no administrator sees no administration", async ({ person }) => {
  // The first account of a site administers it, and this may be it.
  await person("First");
  const ada = await person("Ada");
  await expect(ada.page.getByRole("link", { name: "Administration" })).toHaveCount(0);
  await ada.page.goto("/admin");
  await expect(ada.page.getByText("This page is for administrators of the site")).toBeVisible();
});
