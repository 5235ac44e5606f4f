import { expect, test } from "./fixtures";

test("a stranger registers, makes a room, invites somebody, and they talk", async ({ visitor }) => {
  const ada = await visitor("Ada", { gateway: 0, permissions: ["clipboard-read", "clipboard-write"] });
  await ada.page.goto("/");
  await ada.page.getByLabel("Your name").fill("Ada");
  await ada.page.getByLabel("User name").fill(ada.username);
  await ada.page.getByLabel("Password").fill(ada.password);
  await ada.page.getByRole("button", { name: "Create account" }).click();
  await expect(ada.page.getByRole("navigation", { name: "Rooms" })).toBeVisible();

  await ada.page.getByRole("button", { name: "Add a room" }).click();
  await ada.page.getByRole("menuitem", { name: "Create a room" }).click();
  await ada.page.getByLabel("Name", { exact: true }).fill("Tea room");
  await ada.page.getByRole("button", { name: "Create", exact: true }).click();
  const link = await ada.page.getByLabel("Invite link").inputValue();
  await ada.page.getByRole("button", { name: "Copy link" }).click();
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await ada.page.keyboard.press("Escape");
  await expect(ada.page.getByRole("dialog")).toBeHidden();
  await ada.says("Is there tea?");
  await ada.delivery("Is there tea?", "Sent");

  const ben = await visitor("Ben", { gateway: 1 });
  await ben.page.goto(link);
  await ben.page.getByLabel("Your name").fill("Ben");
  await ben.page.getByLabel("User name").fill(ben.username);
  await ben.page.getByLabel("Password").fill(ben.password);
  await ben.page.getByRole("button", { name: "Create account" }).click();
  await expect(ben.page.getByRole("heading", { name: "Tea room", level: 1 })).toBeVisible();
  await ben.sees("Is there tea?");
  await ben.says("There is always tea.");
  await ada.sees("There is always tea.");
});

test("a session survives a reload, and ends in every tab at once", async ({ person }) => {
  const ada = await person("Ada");
  const room = await ada.makesRoom("Kept");
  await ada.opens(room);
  await ada.page.reload();
  await expect(ada.composer).toBeVisible();
  const other = await ada.context.newPage();
  await other.goto("/");
  await expect(other.getByRole("navigation", { name: "Rooms" })).toBeVisible();

  await ada.page.getByRole("button", { name: "Settings" }).click();
  await ada.page.getByRole("button", { name: "Log out" }).click();
  for (const page of [ada.page, other]) await expect(page.getByLabel("Password")).toBeVisible();
  await ada.page.getByRole("button", { name: "Log in", exact: true }).click();
  await ada.page.getByLabel("User name").fill(ada.username);
  await ada.page.getByLabel("Password").fill("not the password");
  ada.refusalIsExpected = true;
  await ada.page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(ada.page.getByRole("alert")).toContainText("wrong");
  await ada.page.getByLabel("Password").fill(ada.password);
  await ada.page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(ada.composer).toBeVisible();
});
