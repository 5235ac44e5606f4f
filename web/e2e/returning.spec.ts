import { flood } from "./crowd";
import { expect, test } from "./fixtures";
import type { Person, RoomView } from "./person";

/** Where a message is on the screen. */
interface Standing {
  readonly id: string;
  /** From the top of the list, in pixels. */
  readonly top: number;
}

/** Further than this nothing may be from where it was, in pixels. */
const MOST_SHIFT = 1;

/** Scrolls away from the end, not to the border of any row, and tells what stands in the middle. */
async function scrolls({ page }: Person, up: number): Promise<Standing> {
  await page.locator(".timeline").hover();
  await page.mouse.wheel(0, -up);
  await expect(page.getByRole("button", { name: "Jump to present" })).toBeVisible();
  return page.evaluate(async () => {
    const scroller = document.querySelector<HTMLElement>(".timeline");
    if (!scroller) throw new Error("there is no timeline");
    // Until nothing has moved for a while.
    for (let [still, last] = [0, -1]; still < 12; still += 1) {
      if (scroller.scrollTop !== last) [still, last] = [0, scroller.scrollTop];
      await new Promise(requestAnimationFrame);
    }
    const { top, height } = scroller.getBoundingClientRect();
    const middle = [...scroller.querySelectorAll<HTMLElement>("[data-message]")].find(
      (row) => row.getBoundingClientRect().bottom > top + height / 2,
    );
    if (!middle) throw new Error("there is no message in the middle");
    return { id: middle.dataset.message ?? "", top: middle.getBoundingClientRect().top - top };
  });
}

/** Notes where a message is painted in each frame from now on, once its room is shown. Runs in the page. */
function note({ id, room }: { id: string; room: string }): void {
  const tops: number[] = [];
  Object.assign(window, { tops });
  let missing = 0;
  const look = () => {
    requestAnimationFrame(look);
    const scroller = document.querySelector(`.timeline[aria-label$="${room}"]:has([data-shown])`);
    if (!scroller) return;
    const row = scroller.querySelector(`[data-message="${id}"]`);
    missing = row ? 0 : missing + 1;
    // In its first frame it may be drawn after this was asked.
    if (missing > 1) tops.push(-1);
    if (!row) return;
    // Other than the row itself, this tells where it is after everything else of the frame was done.
    const observer = new IntersectionObserver(([entry]) => {
      observer.disconnect();
      if (entry) tops.push(entry.boundingClientRect.top - scroller.getBoundingClientRect().top);
    });
    observer.observe(row);
  };
  requestAnimationFrame(look);
}

/** Waits until a message has been seen for a while, and tells where it was seen but in its place. */
async function strays({ page }: Person, { top }: Standing): Promise<number[]> {
  await expect
    .poll(() => page.evaluate(() => (window as unknown as { tops: number[] }).tops.length))
    .toBeGreaterThan(60);
  const tops = await page.evaluate(() => (window as unknown as { tops: number[] }).tops);
  return tops.filter((seen) => Math.abs(seen - top) > MOST_SHIFT);
}

/** A room in which somebody has said much. */
async function talk(person: Person): Promise<RoomView> {
  const room = await person.makesRoom("Long talk");
  await flood(person, room, { count: 75, batch: 1, every: 80 });
  await person.opens(room);
  await person.sees("number 75");
  return room;
}

test("who comes back from another room sees the same message in the same place", async ({ person }) => {
  const ada = await person("Ada");
  const other = await ada.makesRoom("Elsewhere");
  await talk(ada);
  const standing = await scrolls(ada, 1_777);
  await ada.page.getByRole("link", { name: /^Elsewhere/ }).click();
  await expect(ada.page).toHaveURL(new RegExp(other.id));
  await expect(ada.timeline).toHaveAccessibleName("Messages in Elsewhere");
  await ada.page.evaluate(note, { id: standing.id, room: "Long talk" });
  await ada.page.getByRole("link", { name: /^Long talk/ }).click();
  expect(await strays(ada, standing)).toEqual([]);
});

test("after a reload the same message is in the same place, and nothing has jumped", async ({ person }) => {
  const ada = await person("Ada");
  await talk(ada);
  const standing = await scrolls(ada, 1_777);
  await ada.page.addInitScript(note, { id: standing.id, room: "Long talk" });
  await ada.page.reload();
  expect(await strays(ada, standing)).toEqual([]);
});

test("a reload far from the end, where the device remembers nothing, comes back as well", async ({
  person,
  server,
}) => {
  test.skip(server.kind !== "standalone", "the server has to be stopped to fill a room so far");
  const ada = await person("Ada");
  ada.serverMayBeAway = true;
  const room = await ada.makesRoom("Archive");
  const { id } = await ada.asks<{ id: string }>("me");
  await server.fill(room.id, id, 1_500);
  await ada.page.goto(`/rooms/${room.id}/400`);
  await ada.sees("number 399");
  const standing = await scrolls(ada, 333);
  await ada.page.addInitScript(note, { id: standing.id, room: "Archive" });
  // The address still names the message that was looked for first.
  await ada.page.reload();
  expect(await strays(ada, standing)).toEqual([]);
});

test("who goes to a message and back again is where they were", async ({ person }) => {
  const ada = await person("Ada");
  const room = await talk(ada);
  await ada.page.getByRole("button", { name: "Search" }).first().click();
  await ada.page.getByLabel("Search messages").fill("number 12");
  await expect(ada.page.locator(".hit").last()).toBeVisible();
  const standing = await scrolls(ada, 600);
  await ada.page.locator(".hit").last().click();
  await expect(ada.page).toHaveURL(new RegExp(`${room.id}/\\d+`));
  await expect(ada.message(/number 12(?!\d)/)).toBeInViewport();
  await expect(ada.page.locator(`[data-message="${standing.id}"]`)).not.toBeInViewport();
  await ada.page.goBack();
  await expect(ada.page.locator(`[data-message="${standing.id}"]`)).toBeInViewport();
  await ada.page.evaluate(note, { id: standing.id, room: "Long talk" });
  expect(await strays(ada, standing)).toEqual([]);
});
