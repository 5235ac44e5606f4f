import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import type { Person, RoomView } from "./person";
import { morning, say, shoot } from "./pictures";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** The same person with a phone. */
async function withPhone(person: Person, phone: Person): Promise<Person> {
  const { username, password } = person;
  await phone.asks("login", { username, password, transport: "cookie" });
  return phone;
}

/** The room that everybody is in. */
async function lobbyOf(person: Person): Promise<RoomView> {
  const { rooms } = await person.asks<{ rooms: RoomView[] }>("rooms?public=true&q=Lobby");
  const [lobby] = rooms;
  if (!lobby) throw new Error("there is no lobby");
  return lobby;
}

/** Leaves nothing pointed at and nothing in focus. */
async function rest(page: Page): Promise<void> {
  await page.mouse.move(2, 2);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
}

test("pictures of the main screens", async ({ visitor, person }) => {
  test.setTimeout(480_000);
  const tom = await person("Tom Lindqvist", { username: "tom" });
  const maya = await person("Maya Okafor", { username: "maya" });
  const lin = await person("Lin Chen", { username: "lin" });
  await tom.asks(
    "me",
    { bio: "Builds the importer. Rides a bicycle in any weather.", status_text: "🚲 In at ten" },
    "PATCH",
  );
  const room = await maya.asks<RoomView>("rooms", {
    name: "Releases",
    kind: "public",
    description: "What goes out, and when",
  });
  await maya.asks(`rooms/${room.id}`, { topic: "1.4 goes out on Thursday" }, "PATCH");
  for (const name of ["Design", "Support", "Weekend plans"]) {
    const other = await maya.asks<RoomView>("rooms", {
      name,
      kind: "public",
      description: `All about ${name.toLowerCase()}`,
    });
    await tom.asks("rooms/join", { code: other.code });
  }
  for (const other of [tom, lin]) await other.asks("rooms/join", { code: room.code });
  await morning({ maya, tom, lin }, room);
  const { id: tomsId } = await tom.asks<{ id: string }>("me");
  const direct = await maya.asks<RoomView>("direct", { user: tomsId });
  await tom.opens(direct);
  await say(tom, "Coffee after the release?");
  await tom.opens(await lobbyOf(tom));
  await say(tom, "Welcome, everybody! Ask whatever you like, somebody is always here ☕");
  await tom.opens(room);

  // A desk.
  const { page } = maya;
  await page.getByRole("button", { name: "3 members" }).click();
  await expect(page.getByRole("complementary")).toContainText("Lin Chen");
  await expect(maya.message("With pleasure.")).toBeInViewport();
  await rest(page);
  await shoot(page, "room");

  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(async () => {
    await page.getByLabel("Search messages").fill("");
    await page.getByLabel("Search messages").fill("error page");
    await expect(page.locator(".hit")).toHaveCount(2, { timeout: 1_500 });
  }).toPass();
  await rest(page);
  await shoot(page, "search");

  await page.getByRole("heading", { name: "Releases", level: 1 }).click();
  await expect(page.getByRole("complementary").getByRole("button", { name: "Leave…" })).toBeVisible();
  await rest(page);
  await shoot(page, "details");
  await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();

  await maya.message("With pleasure.").getByRole("button", { name: "Tom Lindqvist" }).first().click();
  await expect(page.getByRole("dialog")).toContainText("bicycle");
  await shoot(page, "profile");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await expect(page.getByRole("dialog").getByLabel("Your name")).toBeVisible();
  await shoot(page, "settings");
  await page.keyboard.press("Escape");
  await page.goto("/directory");
  await expect(page.getByRole("main").getByRole("heading", { name: "Weekend plans" })).toBeVisible();
  await shoot(page, "directory");

  // Whoever came first administers the site.
  await tom.page.goto("/admin");
  await tom.page
    .getByRole("navigation", { name: "Administration" })
    .getByRole("button", { name: "Rooms" })
    .click();
  await expect(tom.page.getByRole("main").getByText("Weekend plans")).toBeVisible();
  await rest(tom.page);
  await shoot(tom.page, "admin");

  // A pocket.
  const pocket = await withPhone(maya, await visitor("Maya Okafor", { username: "maya", ...PHONE }));
  await pocket.page.goto("/");
  await expect(pocket.page.getByRole("link", { name: /^Weekend plans/ })).toBeVisible();
  await expect(pocket.page.locator(".badge").first()).toBeVisible();
  await shoot(pocket.page, "phone-rooms");
  await pocket.page.getByRole("link", { name: /^Releases/ }).tap();
  await expect(pocket.message("With pleasure.")).toBeInViewport();
  await rest(pocket.page);
  await shoot(pocket.page, "phone-room");
  await pocket.page.getByRole("button", { name: "3 members" }).tap();
  await expect(pocket.page.getByRole("complementary")).toContainText("Lin Chen");
  await shoot(pocket.page, "phone-people");
  await pocket.page.getByRole("complementary").getByRole("button", { name: /Tom/ }).tap();
  await expect(pocket.page.getByRole("dialog")).toContainText("bicycle");
  await shoot(pocket.page, "phone-profile");
  await pocket.page.goBack();
  await pocket.page.goBack();
  await pocket.page.getByRole("button", { name: "Search", exact: true }).tap();
  await pocket.page.getByLabel("Search messages").fill("error page");
  await expect(pocket.page.locator(".hit")).toHaveCount(2);
  await shoot(pocket.page, "phone-search");
  await pocket.page.goBack();
  await pocket.page.goBack();
  await pocket.page.getByRole("button", { name: "Settings", exact: true }).tap();
  await expect(pocket.page.getByRole("dialog").getByLabel("Your name")).toBeVisible();
  await shoot(pocket.page, "phone-settings");

  // Strangers, who register and are shown what to do.
  for (const [prefix, name, options] of [
    ["", "Noor Haddad", {}],
    ["phone-", "Noor Haddad", PHONE],
  ] as const) {
    const stranger = await visitor(name, { username: prefix === "" ? "noor" : "noor-h", ...options });
    await stranger.page.goto("/");
    await expect(stranger.page.getByRole("button", { name: "Create account" })).toBeVisible();
    await rest(stranger.page);
    await shoot(stranger.page, `${prefix}register`);
    await stranger.page.getByLabel("Your name").fill(name);
    await stranger.page.getByLabel("User name").fill(stranger.username);
    await stranger.page.getByLabel("Password").fill(stranger.password);
    await stranger.page.getByRole("button", { name: "Create account" }).click();
    await expect(stranger.page.getByRole("complementary", { name: "First steps" })).toBeVisible();
    await rest(stranger.page);
    await shoot(stranger.page, `${prefix}lobby`);
  }

  const amal = await person("أمل منصور", { username: "amal", locale: "ar" });
  const cafe = await amal.makesRoom("المقهى");
  await tom.asks("rooms/join", { code: cafe.code });
  await amal.page.goto(`/rooms/${cafe.id}`);
  const composer = amal.page.locator("[data-composer]");
  for (const text of ["صباح الخير! من يريد قهوة؟ ☕", "سأحضر الكعك أيضًا."]) {
    await composer.fill(text);
    await composer.press("Enter");
    await expect(amal.message(text)).toBeVisible();
  }
  await tom.opens(cafe);
  await say(tom, "Me, please 🙏");
  await expect(amal.message("Me, please")).toBeVisible();
  await rest(amal.page);
  await shoot(amal.page, "arabic");
  const hers = await withPhone(
    amal,
    await visitor("أمل منصور", { username: "amal", locale: "ar", ...PHONE }),
  );
  await hers.page.goto(`/rooms/${cafe.id}`);
  await expect(hers.message("Me, please")).toBeVisible();
  await rest(hers.page);
  await shoot(hers.page, "phone-arabic");
});
