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
