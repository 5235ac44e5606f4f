import { attach, card, filesOf, film, inCinema, listen, MB, note, order, progress, sum } from "./files";
import { expect, test } from "./fixtures";

test("an upload that is cut off in the middle goes on from there, and its message follows", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const { asked } = listen(ada);
  const cut = network.after(10 * MB, () => network.down());
  await attach(ada, film);
  await cut;
  await expect(card(ada, "film.bin").getByRole("status")).toHaveText("Waiting for the network");
  const shown = Number(await progress(ada, "film.bin").getAttribute("value"));
  expect(shown).toBeGreaterThan(0);
  expect(shown).toBeLessThan(1);
  await expect(ada.page.locator(".composer").getByRole("alert")).toHaveCount(0);

  // What is said now waits for the file.
  await ada.says("Tonight");
  await expect(ada.page.getByText("It will be sent as soon as the files are there.")).toBeVisible();
  await expect(ada.message("Tonight")).toHaveCount(0);
  const before = asked.length;
  network.up();
  await ada.sees("Tonight");
  await ada.delivery("Tonight", "Sent");

  expect(asked.filter((request) => request === "POST")).toHaveLength(1);
  const continued = asked.slice(before).find((request) => request.startsWith("PATCH")) ?? "";
  expect(Number(continued.split(" ")[1])).toBeGreaterThanOrEqual(8 * MB);
  const [file] = await filesOf(ada, room);
  const saved = await ada.context.request.get(`/api/v1/attachments/${file?.id}`);
  expect(sum(await saved.body())).toBe(sum(film.buffer));
});

test("an upload over a connection that has died without a word goes on when the device wakes up", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const swallowed = network.after(10 * MB, () => network.swallow());
  await attach(ada, film);
  await swallowed;
  await expect(async () => {
    await ada.page.evaluate(() => window.dispatchEvent(new Event("online")));
    await expect(progress(ada, "film.bin")).toHaveCount(0, { timeout: 1_000 });
  }).toPass({ timeout: 40_000 });
  await ada.says("Tonight");
  await expect.poll(() => filesOf(ada, room)).toMatchObject([{ name: "film.bin" }]);
});

test("a file that is taken back is removed from the server, also when it is half there", async ({
  person,
  network,
}) => {
  const { ada } = await inCinema(person, network);
  const { places } = listen(ada);
  const exists = async (place: string) =>
    (await ada.context.request.head(`/api/v1/${place}`, { headers: { "tus-resumable": "1.0.0" } })).ok();

  await attach(ada, note("whole.txt"));
  await expect(progress(ada, "whole.txt")).toHaveCount(0);
  expect(await exists(places[0] ?? "")).toBe(true);
  await card(ada, "whole.txt").getByRole("button", { name: "Remove whole.txt" }).click();
  await expect(card(ada, "whole.txt")).toHaveCount(0);
  await expect.poll(() => exists(places[0] ?? "")).toBe(false);

  const cut = network.after(10 * MB, () => network.down());
  await attach(ada, film);
  await cut;
  await expect(card(ada, "film.bin").getByRole("status")).toHaveText("Waiting for the network");
  await card(ada, "film.bin").getByRole("button", { name: "Remove film.bin" }).click();
  await expect(card(ada, "film.bin")).toHaveCount(0);
  network.up();
  expect(places).toHaveLength(2);
  await expect.poll(() => exists(places[1] ?? ""), { timeout: 20_000 }).toBe(false);
});

test("an access token that runs out in the middle of an upload is renewed, and it goes on", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const { asked } = listen(ada);
  const refused: string[] = [];
  ada.page.on("response", (response) => {
    if (response.status() === 401) refused.push(response.request().method());
  });
  const begun = network.after(4 * MB, () => undefined);
  await attach(ada, film);
  await begun;
  await ada.context.clearCookies({ name: /hubbub_access$/ });
  await expect(progress(ada, "film.bin")).toHaveCount(0, { timeout: 30_000 });
  expect(refused[0]).toBe("PATCH");
  await ada.says("Tonight");
  await expect.poll(() => filesOf(ada, room)).toMatchObject([{ name: "film.bin" }]);
  expect(asked.filter((request) => request === "POST")).toHaveLength(1);
});

test("files are put in another order with the pointer, with the keyboard and with a menu", async ({
  person,
}) => {
  const ada = await person("Ada");
  const room = await ada.makesRoom("Album");
  await ada.opens(room);
  await attach(ada, note("one.txt"), note("two.txt"), note("three.txt"));
  await expect(ada.page.getByRole("grid", { name: "Files of this message" })).toBeVisible();
  expect(await order(ada)).toEqual(["one.txt", "two.txt", "three.txt"]);

  // Into the second half of the last one: behind it.
  const last = (await card(ada, "three.txt").boundingBox()) ?? { width: 0, height: 0 };
  await card(ada, "one.txt").dragTo(card(ada, "three.txt"), {
    sourcePosition: { x: 60, y: 12 },
    targetPosition: { x: last.width - 4, y: last.height / 2 },
  });
  await expect.poll(() => order(ada)).toEqual(["two.txt", "three.txt", "one.txt"]);

  const handle = ada.page.getByRole("button", { name: /^Drag one\.txt/ });
  await handle.focus();
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.locator(".upload-place[data-drop-target]")).toBeAttached();
  await ada.page.keyboard.press("Home");
  await ada.page.keyboard.press("Enter");
  await expect.poll(() => order(ada)).toEqual(["one.txt", "two.txt", "three.txt"]);

  await card(ada, "two.txt").getByRole("button", { name: "Move two.txt", exact: true }).click();
  await ada.page.getByRole("menuitem", { name: "Move earlier" }).click();
  await expect.poll(() => order(ada)).toEqual(["two.txt", "one.txt", "three.txt"]);
  await card(ada, "one.txt").getByRole("button", { name: "Move one.txt", exact: true }).click();
  await ada.page.getByRole("menuitem", { name: "Move later" }).click();
  const wanted = ["two.txt", "three.txt", "one.txt"];
  await expect.poll(() => order(ada)).toEqual(wanted);

  await ada.says("In order");
  await expect.poll(async () => (await filesOf(ada, room)).map(({ name }) => name)).toEqual(wanted);
});

test("files that are dropped where nothing can be said go nowhere, and that is said", async ({
  person,
  network,
}) => {
  const { ada, room } = await inCinema(person, network);
  const { asked } = listen(ada);
  await ada.asks(`rooms/${room.id}`, { archived: true }, "PATCH");
  await expect(ada.composer).toBeHidden();
  await ada.page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["abc"], "late.txt"));
    window.dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
  });
  await expect(ada.page.locator(".toast")).toContainText("This room is archived");
  expect(asked).toEqual([]);
});
