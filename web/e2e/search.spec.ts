import { expect, test } from "./fixtures";

test("the hit that one is at shows what was said before and after it, and nothing moves", async ({
  person,
}) => {
  const ada = await person("Ada");
  const room = await ada.makesRoom("Kitchen");
  await ada.opens(room);
  for (const text of ["flour", "a samovar of brass", "sugar", "a samovar of silver"]) {
    await ada.says(text);
    await ada.delivery(text, "Sent");
  }
  const asked: string[] = [];
  ada.page.on("request", (request) => {
    if (request.url().includes("around=")) asked.push(request.url());
  });
  await ada.page.getByRole("button", { name: "Search" }).first().click();
  const field = ada.page.getByLabel("Search messages");
  const hits = ada.page.locator(".hit");
  await expect(async () => {
    await field.fill("");
    await field.fill("samovar");
    await expect(hits).toHaveCount(2, { timeout: 1_000 });
  }).toPass();
  const around = ada.page.getByRole("region", { name: "Before and after it" });
  // Without going anywhere it is that of the first: the newest.
  await expect(around.getByRole("paragraph")).toHaveText([
    "Ada sugar",
    "Ada a samovar of silver",
    "Nothing was said after it.",
  ]);
  const places = async () =>
    Promise.all([hits.first(), hits.last(), around].map((part) => part.boundingBox()));
  const before = await places();

  await field.press("ArrowDown");
  await ada.page.keyboard.press("ArrowDown");
  await expect(hits.last()).toBeFocused();
  await expect(around.getByRole("paragraph")).toHaveText([
    "Ada flour",
    "Ada a samovar of brass",
    "Ada sugar",
  ]);
  await expect(hits.last()).toHaveAccessibleDescription(/flour.*brass.*sugar/);
  expect(await places()).toEqual(before);

  // What is known already is not asked for again.
  await hits.first().hover();
  await expect(around.getByRole("paragraph").first()).toHaveText("Ada sugar");
  expect(asked).toHaveLength(2);
  await hits.last().click();
  await expect(ada.page).toHaveURL(new RegExp(`${room.id}/\\d+\\?panel=search`));
});

test("a quote and a hit lead to their message each time", async ({ person }) => {
  const ada = await person("Ada");
  const room = await ada.makesRoom("Kitchen");
  await ada.opens(room);
  await ada.says("a samovar of brass");
  await ada.delivery("a samovar of brass", "Sent");
  await ada.says("a long list\n".repeat(60));
  await ada.delivery("a long list", "Sent");
  await ada.message("a samovar of brass").scrollIntoViewIfNeeded();
  await ada.acts("a samovar of brass", "Reply");
  await ada.says("where is it?");
  const quoted = ada.message(/^(?!.*where is it).*a samovar of brass/s);
  const toEnd = ada.page.getByRole("button", { name: "Jump to present" });
  for (let time = 0; time < 2; time += 1) {
    await ada.message("where is it?").locator(".quote").click();
    await expect(quoted).toBeInViewport();
    await toEnd.click();
    await expect(ada.message("where is it?").locator(".quote")).toBeInViewport();
    await expect(quoted).not.toBeInViewport();
  }

  await ada.page.getByRole("button", { name: "Search" }).first().click();
  const hit = ada.page.locator(".hit", { hasText: "a samovar of brass" });
  await expect(async () => {
    await ada.page.getByLabel("Search messages").fill("");
    await ada.page.getByLabel("Search messages").fill("samovar");
    await expect(hit).toHaveCount(1, { timeout: 1_000 });
  }).toPass();
  for (let time = 0; time < 2; time += 1) {
    await hit.click();
    await expect(quoted).toBeInViewport();
    await toEnd.click();
    await expect(quoted).not.toBeInViewport();
  }
  await ada.page.locator(".search").getByRole("button", { name: "Close" }).click();
  await expect(hit).toHaveCount(0);
  await expect(ada.message("where is it?").locator(".quote")).toBeInViewport();
});
