import axe from "axe-core";
import { expect, test } from "./fixtures";
import type { Person } from "./person";

/** What axe calls serious or critical, in words. Rules of WCAG 2.2 up to AA. */
async function barriers({ page }: Person): Promise<string[]> {
  // Colours are measured once everything has come to rest.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => 0))),
  );
  // Evaluated by the debugger: the page's own policy lets no script in.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.map(
          (node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary?.split("\n")[1]?.trim()}`,
        ),
      );
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing serious on any main screen, ${colorScheme}`, async ({ visitor, person }) => {
    test.setTimeout(120_000);
    const found: Record<string, string[]> = {};
    const stranger = await visitor("Stranger", { colorScheme });
    await stranger.page.goto("/");
    await expect(stranger.page.getByRole("button", { name: "Create account" })).toBeVisible();
    found.register = await barriers(stranger);

    const ada = await person("Ada", { colorScheme });
    const ben = await person("Ben");
    found.home = await barriers(ada);
    const room = await ada.makesRoom("Tea room");
    await ada.opens(room);
    found.empty = await barriers(ada);
    await ben.joins(room);
    await ben.says("Look at **this** `code` and https://example.org\n```js\nlet a = 1;\n```");
    await ada.sees("Look at");
    await ada.acts("Look at", "React with 👍");
    await ada.acts("Look at", "Reply");
    await ada.says("> quoted\n\nand a [link](https://example.org)");
    await ada.delivery("and a link", "Read");
    found.room = await barriers(ada);

    const { page } = ada;
    for (const [name, button] of [
      ["people", "2 members"],
      ["search", "Search"],
    ] as const) {
      await page.getByRole("button", { name: button, exact: true }).click();
      await expect(page.getByRole("complementary").getByRole("button", { name: "Close" })).toBeVisible();
      found[name] = await barriers(ada);
    }
    await page.getByRole("heading", { name: "Tea room", level: 1 }).click();
    await expect(page.getByRole("button", { name: "Destroy the room…" })).toBeVisible();
    found.details = await barriers(ada);
    await page.getByRole("button", { name: "Settings", exact: true }).last().click();
    await expect(page.getByRole("dialog")).toBeVisible();
    found.settings = await barriers(ada);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await expect(page.getByRole("dialog")).toBeVisible();
    found.switcher = await barriers(ada);
    await page.keyboard.press("Escape");
    await page.goto("/directory");
    await expect(page.getByRole("searchbox")).toBeVisible();
    found.directory = await barriers(ada);

    const keeper = await person("Keeper", { colorScheme, username: `keeper-${colorScheme}` });
    // Something for the record.
    await keeper.asks(`admin/users/${(await ben.asks<{ id: string }>("me")).id}`, { admin: true }, "PATCH");
    await keeper.page.goto("/admin");
    for (const name of ["Accounts", "Rooms", "Record"]) {
      await keeper.page.getByRole("main").getByRole("button", { name, exact: true }).click();
      await expect(keeper.page.getByRole("main").getByRole("listitem").first()).toBeVisible();
      found[`administration, ${name}`] = await barriers(keeper);
    }
    expect(Object.fromEntries(Object.entries(found).filter(([, what]) => what.length > 0))).toEqual({});
  });
}

test("everything that matters can be done with the keyboard alone", async ({ visitor, person }) => {
  const ben = await person("Ben", { gateway: 1 });
  const ada = await visitor("Ada");
  const { page } = ada;
  const { keyboard } = page;
  await page.goto("/");
  await expect(page.getByRole("button", { name: "Create account" })).toBeVisible();
  await reach(ada, "Your name");
  await keyboard.type("Ada");
  await reach(ada, "User name");
  await keyboard.type(ada.username);
  await reach(ada, "Password");
  await keyboard.type(ada.password);
  await keyboard.press("Enter");
  await expect(page.getByRole("navigation", { name: "Rooms" })).toBeVisible();
  // The lobby opens by itself, ready to be written in.
  await expect(ada.composer).toBeFocused();

  await reach(ada, "Add a room");
  await keyboard.press("Enter");
  await expect(page.getByRole("menu")).toBeVisible();
  await keyboard.press("Enter");
  await expect(page.getByLabel("Name", { exact: true })).toBeFocused();
  await keyboard.type("By hand");
  await keyboard.press("Enter");
  const code = page.getByLabel("Invite link");
  const link = await code.inputValue();
  await keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await ben.page.goto(link);
  await expect(ben.composer).toBeVisible();

  await reach(ada, /^Message By hand/);
  await keyboard.type("Typed");
  await keyboard.press("Enter");
  await ben.sees("Typed");
  await ben.says("Answer me");
  await ada.sees("Answer me");

  // Up from the text, into the messages: answer the last one, and edit one's own.
  await keyboard.press("Shift+Tab");
  await reach(ada, /^Ben,/, "Shift+Tab");
  await keyboard.press("r");
  await expect(ada.composer).toBeFocused();
  await keyboard.type("An answer");
  await keyboard.press("Enter");
  await ben.sees("An answer");
  await keyboard.press("ArrowUp");
  await expect(page.getByLabel("Edit message")).toBeFocused();
  await keyboard.type(", edited");
  await keyboard.press("Enter");
  await ben.sees("An answer, edited");

  await keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  await keyboard.type("By hand");
  await keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await keyboard.press("Control+/");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  const focusIsSomewhere = () => page.evaluate(() => document.activeElement !== document.body);
  await expect.poll(focusIsSomewhere, "focus is given back").toBe(true);
});

/** Presses Tab until something with this name has the focus. */
async function reach({ page }: Person, name: string | RegExp, key = "Tab"): Promise<void> {
  const wanted = page.locator(":focus").and(page.getByLabel(name).or(page.getByRole("button", { name })));
  for (let step = 0; step < 60; step += 1) {
    if ((await wanted.count()) > 0) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${name} can't be reached with ${key}`);
}

test("a screen reader hears what is new in the open room, and nothing of what was before", async ({
  person,
}) => {
  const ada = await person("Ada", { gateway: 0 });
  const ben = await person("Ben", { gateway: 1 });
  const room = await ada.makesRoom("Read out");
  await ada.opens(room);
  for (let count = 0; count < 3; count += 1) await ada.says(`old ${count}`);
  await ada.delivery("old 2", "Sent");
  await ben.joins(room);
  await ben.sees("old 2");
  const spoken = ben.page.locator("[aria-live=polite]").filter({ hasText: /old|new/ });
  await expect(spoken).toHaveCount(0);
  await ada.says("new one");
  await expect(spoken).toHaveText(/Ada.*new one/);
});
