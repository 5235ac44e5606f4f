import { attach, card, filesOf, film, inCinema, listen, MB, note, order, progress, sum } from "./files";
import { expect, test } from "./fixtures";
import { Person, type RoomView } from "./person";
import type { Network } from "./server/network";

/** Leaves the page while there is no network, and loads it anew when there is one again. */
async function comesBack(person: Person, room: RoomView, network: Network): Promise<void> {
  await person.page.goto("about:blank");
  network.up();
  await person.opens(room);
}

/** Another tab of somebody's browser, in a room. */
async function otherTab(person: Person, room: RoomView): Promise<Person> {
  const tab = new Person(person.name, person.context, await person.context.newPage(), "", person.username);
  await tab.opens(room);
  return tab;
}

test("a reload in the middle of an upload loses nothing: it goes on from where it was", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const { asked } = listen(ada);
  const cut = network.after(10 * MB, () => network.down());
  await attach(ada, film, note("cast.txt"));
  await ada.composer.fill("Tonight");
  await cut;
  const before = asked.length;
  await comesBack(ada, room, network);
  await expect(ada.composer).toHaveValue("Tonight");
  await expect.poll(() => order(ada)).toEqual(["film.bin", "cast.txt"]);
  await expect(progress(ada, "film.bin")).toHaveCount(0, { timeout: 30_000 });
  await ada.composer.press("Enter");
  await ada.delivery("Tonight", "Sent");

  const later = asked.slice(before);
  expect(asked.filter((request) => request === "POST").length).toBeLessThanOrEqual(3);
  const continued = later.find((request) => request.startsWith("PATCH") && request !== "PATCH 0") ?? "";
  expect(Number(continued.split(" ")[1])).toBeGreaterThanOrEqual(4 * MB);
  const files = await filesOf(ada, room);
  expect(files.map(({ name }) => name)).toEqual(["film.bin", "cast.txt"]);
  const saved = await ada.context.request.get(`/api/v1/attachments/${files[0]?.id}`);
  expect(sum(await saved.body())).toBe(sum(film.buffer));
  // What was sent does not wait any more.
  await ada.page.reload();
  await ada.sees("Tonight");
  await expect(ada.page.locator(".upload")).toHaveCount(0);
});

test("files that are there already come back in their order, without being sent again", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  await attach(ada, note("one.txt"), note("two.txt"), note("three.txt"));
  await expect(ada.page.getByRole("progressbar")).toHaveCount(0);
  await card(ada, "one.txt").getByRole("button", { name: "Move one.txt", exact: true }).click();
  await ada.page.getByRole("menuitem", { name: "Move later" }).click();
  await card(ada, "three.txt").getByRole("button", { name: "Remove three.txt" }).click();
  await expect.poll(() => order(ada)).toEqual(["two.txt", "one.txt"]);
  const { asked } = listen(ada);
  await ada.page.reload();
  await expect.poll(() => order(ada)).toEqual(["two.txt", "one.txt"]);
  await ada.says("Notes");
  await ada.delivery("Notes", "Sent");
  expect((await filesOf(ada, room)).map(({ name }) => name)).toEqual(["two.txt", "one.txt"]);
  expect(asked.filter((request) => request === "POST")).toEqual([]);
});

test("what the server has removed meanwhile is sent once more", async ({ person, network }) => {
  const { ada, room } = await inCinema(person, network);
  const { asked, places } = listen(ada);
  await attach(ada, note("old.txt"));
  await expect(progress(ada, "old.txt")).toHaveCount(0);
  const [place = ""] = places;
  // As the collector does with what waits for too long.
  const status = await ada.page.evaluate(async (place) => {
    const csrf = /hubbub_csrf=([^;]+)/.exec(document.cookie)?.[1] ?? "";
    const headers = { "tus-resumable": "1.0.0", "x-csrf-token": csrf };
    return (await fetch(`/api/v1/${place}`, { method: "DELETE", headers })).status;
  }, place);
  expect(status).toBe(204);
  await ada.page.reload();
  await expect(card(ada, "old.txt")).toBeVisible();
  await ada.says("Late");
  await ada.delivery("Late", "Sent");
  expect(await filesOf(ada, room)).toMatchObject([{ name: "old.txt" }]);
  expect(asked.filter((request) => request === "POST")).toHaveLength(2);
});

test("a message that waits for its files goes on waiting after a reload, and is sent", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const cut = network.after(10 * MB, () => network.down());
  await attach(ada, film);
  await cut;
  await ada.says("Tonight");
  await expect(ada.page.getByText("It will be sent as soon as the files are there.")).toBeVisible();
  await comesBack(ada, room, network);
  await ada.sees("Tonight");
  await ada.delivery("Tonight", "Sent");
  expect(await filesOf(ada, room)).toMatchObject([{ name: "film.bin" }]);
  await expect(ada.composer).toHaveValue("");
});

test("of two tabs one carries a file, and when it is closed the other goes on", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const cut = network.after(10 * MB, () => network.down());
  const { asked } = listen(ada);
  await attach(ada, film);
  await cut;
  await expect(card(ada, "film.bin").getByRole("status")).toHaveText("Waiting for the network");
  network.up();
  const other = await otherTab(ada, room);
  const { asked: askedByOther } = listen(other);
  await expect(progress(ada, "film.bin")).toHaveCount(0, { timeout: 30_000 });
  await expect(other.page.locator(".upload")).toHaveCount(0);
  expect(askedByOther).toEqual([]);
  await ada.page.close();
  await expect(card(other, "film.bin")).toBeVisible();
  await other.says("Tonight");
  await other.delivery("Tonight", "Sent");
  expect(await filesOf(ada, room)).toMatchObject([{ name: "film.bin" }]);
  expect([...asked, ...askedByOther].filter((request) => request === "POST")).toHaveLength(1);
});

test("logging out forgets them", async ({ person, network }) => {
  const { ada, room } = await inCinema(person, network);
  await attach(ada, note("secret.txt"));
  await expect(progress(ada, "secret.txt")).toHaveCount(0);
  await ada.page.getByRole("button", { name: "Settings" }).click();
  await ada.page.getByRole("button", { name: "Log out", exact: true }).click();
  await ada.page.getByRole("button", { name: "Log in", exact: true }).click();
  await ada.page.getByLabel("User name").fill(ada.username);
  await ada.page.getByLabel("Password").fill(ada.password);
  await ada.page.getByRole("button", { name: "Log in", exact: true }).click();
  await expect(ada.composer).toBeVisible();
  await ada.opens(room);
  await ada.says("Nothing");
  await ada.delivery("Nothing", "Sent");
  expect(await filesOf(ada, room)).toEqual([]);
});
