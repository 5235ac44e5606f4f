import { expect, test } from "./fixtures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

test("on a phone one column is shown at a time, and the back button leads back", async ({ person }) => {
  const ben = await person("Ben", { gateway: 1 });
  const ada = await person("Ada", { gateway: 0, ...PHONE });
  const room = await ben.makesRoom("Pocket");
  await ben.opens(room);
  await ada.asks("rooms/join", { code: room.code });
  const rooms = ada.page.getByRole("navigation", { name: "Rooms" });
  await rooms.getByRole("link", { name: /^Pocket/ }).tap();
  await expect(ada.composer).toBeVisible();
  await expect(rooms).toBeHidden();
  await ada.composer.fill("from a phone");
  await ada.page.getByRole("button", { name: "Send" }).tap();
  await ben.sees("from a phone");

  await ada.page.getByRole("button", { name: "2 members" }).tap();
  const panel = ada.page.getByRole("complementary");
  await expect(panel).toBeVisible();
  expect((await panel.boundingBox())?.width, "it takes the whole screen").toBe(390);
  await ada.page.goBack();
  await expect(panel).toBeHidden();
  await ada.page.goBack();
  await expect(rooms).toBeVisible();
  const wide = await ada.page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide, "nothing is wider than the screen").toBe(false);
});

test("what is touched on a phone is large enough for a thumb", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  const room = await ada.makesRoom("Thumbs");
  await ada.opens(room);
  await ada.says("hello");
  await ada.delivery("hello", "Sent");
  for (const name of ["Send", "Attach files", "Emoji", "Search"]) {
    const box = await ada.page.getByRole("button", { name, exact: true }).boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0), name).toBeGreaterThanOrEqual(44);
  }
  const size = await ada.composer.evaluate((element) =>
    Number.parseFloat(getComputedStyle(element).fontSize),
  );
  expect(size, "smaller text makes a phone zoom in").toBeGreaterThanOrEqual(16);
});

test("the theme follows the system, and a choice beats it", async ({ person }) => {
  const ada = await person("Ada", { colorScheme: "dark" });
  const brightness = () =>
    ada.page.evaluate(() => {
      const context = document.createElement("canvas").getContext("2d");
      if (!context) throw new Error("no canvas");
      context.fillStyle = getComputedStyle(document.body).backgroundColor;
      context.fillRect(0, 0, 1, 1);
      const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
      return (red + green + blue) / 3;
    });
  expect(await brightness()).toBeLessThan(64);
  await ada.page.emulateMedia({ colorScheme: "light" });
  expect(await brightness()).toBeGreaterThan(192);
  await ada.page.getByRole("button", { name: "Settings", exact: true }).click();
  await ada.page.getByRole("button", { name: "Appearance" }).click();
  await ada.page.getByRole("radio", { name: "Dark" }).check({ force: true });
  await expect.poll(brightness).toBeLessThan(64);
  await ada.page.reload();
  await expect.poll(brightness).toBeLessThan(64);
});

test("in Arabic everything runs from right to left", async ({ person }) => {
  const ada = await person("Ada", { locale: "ar" });
  await expect(ada.page.locator("html")).toHaveAttribute("dir", "rtl");
  // A name in another script stands where the list begins.
  const link = ada.page.getByRole("link", { name: /^Lobby/ });
  const name = link.locator(".room-name");
  await expect(name).toBeVisible();
  const gap = await name.evaluate((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return element.getBoundingClientRect().right - range.getBoundingClientRect().right;
  });
  expect(Math.abs(gap)).toBeLessThan(2);
});

test("a chosen language is spoken at once, also to a stranger", async ({ person, visitor }) => {
  const stranger = await visitor("Stranger", { locale: "ar" });
  await stranger.page.goto("/");
  await expect(stranger.page.getByRole("button", { name: "إنشاء حساب" })).toBeVisible();
  // What the server has to say of a field, it says in English.
  stranger.refusalIsExpected = true;
  await stranger.page.getByLabel("اسم المستخدم").fill("!!");
  await stranger.page.getByLabel("كلمة المرور").fill(stranger.password);
  await stranger.page.getByRole("button", { name: "إنشاء حساب" }).click();
  await expect(stranger.page.getByRole("alert")).toHaveText("من 3 إلى 32 حرفًا أو رقمًا أو . _ -");

  const ada = await person("Ada");
  await ada.page.getByRole("button", { name: "Settings", exact: true }).click();
  await ada.page.getByRole("button", { name: "Appearance" }).click();
  const title = ada.page.getByRole("dialog").getByRole("heading", { level: 2 }).first();
  for (const [language, text] of [
    ["العربية", "الإعدادات"],
    ["English", "Settings"],
  ] as const) {
    await ada.page.getByRole("radio", { name: language }).check({ force: true });
    await expect(title).toHaveText(text);
  }
});
