import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures";
import type { Person, RoomView } from "./person";
import { ROOT } from "./server/process";

const IMAGES = join(ROOT, "docs/images");
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** Takes a picture, with few enough colours to be small. */
async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => 0))),
  );
  const path = join(IMAGES, `${name}.png`);
  await page.screenshot({ path, caret: "hide" });
  execFileSync("pngquant", ["--force", "--skip-if-larger", "--strip", "--output", path, "96", path]);
}

/** Says something, and waits until it is stored. */
async function say(person: Person, text: string): Promise<void> {
  const own = person.timeline.locator("[data-own]");
  const before = await own.count();
  await person.says(text);
  await expect(own).toHaveCount(before + 1);
  await expect(own.last().locator(".delivery")).toHaveAttribute("aria-label", /Sent|Delivered|Read/);
}

/** A picture to share: a chart, drawn by the browser. */
async function chart(person: Person): Promise<Buffer> {
  const page = await person.context.newPage();
  await page.setViewportSize({ width: 720, height: 360 });
  await page.goto("/icon.svg");
  const data = await page.evaluate(() => {
    const canvas = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas") as HTMLCanvasElement;
    [canvas.width, canvas.height] = [720, 360];
    const draw = canvas.getContext("2d");
    if (!draw) throw new Error("no canvas");
    draw.fillStyle = "#f6f7fb";
    draw.fillRect(0, 0, 720, 360);
    draw.fillStyle = "#2b2f45";
    draw.font = "600 20px sans-serif";
    draw.fillText("Deliveries a second, three gateways", 32, 44);
    for (let bar = 0; bar < 24; bar += 1) {
      const height = 60 + 150 * Math.abs(Math.sin(bar / 3.4)) + (bar % 5) * 6;
      draw.fillStyle = bar === 15 ? "#e5484d" : "#5b6ee1";
      draw.fillRect(36 + bar * 27, 320 - height, 18, height);
    }
    return canvas.toDataURL("image/png");
  });
  await page.close();
  return Buffer.from(data.split(",")[1] ?? "", "base64");
}

/** A morning in a small team. */
async function conversation(people: Record<"maya" | "tom" | "lin", Person>, room: RoomView): Promise<void> {
  const { maya, tom, lin } = people;
  for (const person of [maya, tom, lin]) await person.opens(room);
  await say(maya, "Morning! Release 1.4 goes out at 11. Anything that should not be in it?");
  await say(tom, "The importer is ready. I would like one more look at the error page first.");
  await say(lin, "Error page is fine now, see the last commit:");
  await say(
    lin,
    "```ts\nexport function explain(error: ApiError): string {\n  return MESSAGES[error.code] ?? error.message;\n}\n```",
  );
  await tom.acts("Error page is fine now", "React with 👍");
  await maya.acts("Error page is fine now", "React with 👍");
  await tom.acts("Release 1.4 goes out at 11", "Reply");
  await say(tom, "Then **nothing is in the way** from my side 🎉");
  await maya.acts("nothing is in the way", "React with ❤️");
  const chooser = lin.page.waitForEvent("filechooser");
  await lin.page.getByRole("button", { name: "Attach files" }).click();
  await (await chooser).setFiles([
    { name: "deliveries.png", mimeType: "image/png", buffer: await chart(lin) },
  ]);
  await say(lin, "One gateway was restarted at bar 16. Nobody noticed:");
  await expect(maya.message("One gateway was restarted").locator("img")).toBeVisible();
  await maya.acts("One gateway was restarted", "React with 👍");
  await say(maya, `Wonderful. @${tom.username} will you press the button?`);
  await say(tom, "With pleasure.");
}

test("pictures of the main screens", async ({ visitor, person }) => {
  test.setTimeout(240_000);
  const maya = await person("Maya Okafor", { username: "maya" });
  const tom = await person("Tom Lindqvist", { username: "tom" });
  const lin = await person("Lin Chen", { username: "lin" });
  const room = await maya.asks<RoomView>("rooms", {
    name: "Releases",
    kind: "public",
    description: "What goes out, and when",
  });
  await maya.asks(`rooms/${room.id}`, { topic: "1.4 goes out on Thursday" }, "PATCH");
  for (const name of ["Design", "Support", "Weekend plans"]) {
    const other = await maya.asks<RoomView>("rooms", { name, kind: "public" });
    await tom.asks("rooms/join", { code: other.code });
  }
  for (const other of [tom, lin]) await other.asks("rooms/join", { code: room.code });
  await conversation({ maya, tom, lin }, room);
  const { id } = await tom.asks<{ id: string }>("me");
  await maya.asks("direct", { user: id });

  const { page } = maya;
  await page.getByRole("button", { name: "3 members" }).click();
  await expect(page.getByRole("complementary")).toContainText("Lin Chen");
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize(DESKTOP);
    await page.mouse.move(0, 0);
    await expect(maya.message("With pleasure.")).toBeInViewport();
    await shoot(page, `room-${theme}`);
  }
  await page.getByRole("complementary").getByRole("button", { name: "Close" }).click();
  await page.setViewportSize(PHONE);
  await page.reload();
  await expect(maya.message("With pleasure.")).toBeInViewport();
  await shoot(page, "phone-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.getByRole("button", { name: "Back to the rooms" }).click();
  await expect(page.getByRole("link", { name: /^Weekend plans/ })).toBeVisible();
  await shoot(page, "phone-rooms-light");

  const stranger = await visitor("Stranger");
  await stranger.page.goto("/");
  await expect(stranger.page.getByRole("button", { name: "Create account" })).toBeVisible();
  await shoot(stranger.page, "register-light");

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
  await shoot(amal.page, "arabic-light");
});
