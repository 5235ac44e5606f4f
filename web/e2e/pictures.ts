import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect } from "./fixtures";
import type { Person, RoomView } from "./person";
import { ROOT } from "./server/process";

const IMAGES = join(ROOT, "docs/images");
/** Colours of a picture: enough for what is shown, few enough to be small. */
const COLOURS = "96";

/** Takes a picture of a screen in both themes, once whatever moves has come to rest. */
export async function shoot(page: Page, name: string): Promise<void> {
  mkdirSync(IMAGES, { recursive: true });
  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await page.evaluate(() => document.fonts.ready);
    await page.evaluate(() =>
      Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => 0))),
    );
    const path = join(IMAGES, `${name}-${theme}.png`);
    await page.screenshot({ path, caret: "hide", animations: "disabled" });
    execFileSync("pngquant", ["--force", "--skip-if-larger", "--strip", "--output", path, COLOURS, path]);
  }
}

/** Says something, and waits until it is stored. */
export async function say(person: Person, text: string): Promise<void> {
  const own = person.timeline.locator("[data-own]");
  const before = await own.count();
  await person.says(text);
  await expect(own).toHaveCount(before + 1);
  await expect(own.last().locator(".delivery")).toHaveAttribute(
    "aria-label",
    /Sent|Delivered|Read|أُرسلت|وصلت|قُرئت/,
  );
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
export async function morning(people: Record<"maya" | "tom" | "lin", Person>, room: RoomView): Promise<void> {
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
