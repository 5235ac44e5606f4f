import { expect, test } from "./fixtures";
import type { Person, RoomView } from "./person";

/** Two people, each at a gateway of their own, in one room. */
async function together(
  person: (name: string, arrival?: { gateway: number }) => Promise<Person>,
): Promise<{ ada: Person; ben: Person; room: RoomView }> {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const room = await ada.makesRoom("Tea room");
  await ada.opens(room);
  await ben.joins(room);
  return { ada, ben, room };
}

test("both see what each says, who is typing, and how far it has come", async ({ person }) => {
  const { ada, ben } = await together(person);
  await ada.says("Hello Ben");
  await ben.sees("Hello Ben");
  await ada.delivery("Hello Ben", "Read");
  await ben.composer.pressSequentially("Hello");
  await expect(ada.page.getByText("Ben is typing")).toBeVisible();
  await ben.says("Hello Ada");
  await ada.sees("Hello Ada");
  await expect(ada.page.getByText("Ben is typing")).toBeHidden();
  await expect(ada.timeline.getByRole("article")).toHaveCount(2);
});

test("a message is edited, with its history, and deleted", async ({ person }) => {
  const { ada, ben } = await together(person);
  await ada.says("Tea at tree");
  await ben.sees("Tea at tree");
  await ada.composer.press("ArrowUp");
  const box = ada.page.getByLabel("Edit message");
  await expect(box).toHaveValue("Tea at tree");
  await box.fill("Tea at three");
  await box.press("Enter");
  await ben.sees("Tea at three");
  await ben.message("Tea at three").getByRole("button", { name: "edited" }).click();
  await expect(ben.page.getByRole("dialog")).toContainText("Tea at tree");
  await ben.page.keyboard.press("Escape");

  await ada.acts("Tea at three", "More");
  await ada.page.getByRole("menuitem", { name: "Delete" }).click();
  await ada.page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await ben.sees("This message was deleted.");
  await expect(ben.message("Tea at three")).toHaveCount(0);
  await expect(ada.message("Tea at three")).toHaveCount(0);
});

test("a message is answered and reacted to", async ({ person }) => {
  const { ada, ben } = await together(person);
  await ada.says("Cake?");
  await ben.sees("Cake?");
  await ben.acts("Cake?", "React with 👍");
  const reaction = ada.message("Cake?").getByRole("button", { name: "👍 1: Ben" });
  await expect(reaction).toBeVisible();
  await reaction.click();
  await expect(ben.message("Cake?").locator(".reaction-count")).toHaveText("2");
  await ben.message("Cake?").locator(".reaction").click();
  await expect(ada.message("Cake?").locator(".reaction-count")).toHaveText("1");

  await ben.acts("Cake?", "Reply");
  await expect(ben.composer).toBeFocused();
  await ben.says("Chocolate, please");
  const answer = ada.message("Chocolate, please");
  await expect(answer).toContainText("Cake?");
});

test("pictures and files are shared", async ({ person }) => {
  const { ada, ben } = await together(person);
  const picture = await ada.page.screenshot();
  const chooser = ada.page.waitForEvent("filechooser");
  await ada.page.getByRole("button", { name: "Attach files" }).click();
  await (await chooser).setFiles([
    { name: "screen.png", mimeType: "image/png", buffer: picture },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("Earl Grey\n") },
  ]);
  await ada.says("Look at this");
  await ben.sees("Look at this");
  const image = ben.message("Look at this").getByRole("button", { name: "Open screen.png" }).locator("img");
  await expect(image).toBeVisible();
  await expect.poll(() => image.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const saved = ben.page.waitForEvent("download");
  await ben
    .message("Look at this")
    .getByRole("link", { name: /notes\.txt/ })
    .click();
  const stream = await (await saved).createReadStream();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString()).toBe("Earl Grey\n");
  await image.click();
  await expect(ben.page.locator(".yarl__slide_current img")).toBeVisible();
});

test("what was said is found, by a part of a word as well", async ({ person }) => {
  const { ada, ben } = await together(person);
  await ada.says("The samovar is in the kitchen");
  for (let count = 0; count < 3; count += 1) await ada.says(`Something else ${count}`);
  await ada.delivery("Something else 2", "Read");
  await ben.page.getByRole("button", { name: "Search", exact: true }).click();
  // The store indexes a moment after the ack; asking again is what a person does.
  await expect(async () => {
    await ben.page.getByLabel("Search messages").fill("");
    await ben.page.getByLabel("Search messages").fill("samov");
    await expect(ben.page.locator(".hit")).toHaveCount(1, { timeout: 1_500 });
  }).toPass();
  await expect(ben.page.locator(".hit mark")).toHaveText("samov");
  await ben.page.locator(".hit").click();
  await expect(ben.page.locator("[data-target]")).toContainText("samovar");
});

test("somebody whose tab is closed is shown as offline", async ({ person }) => {
  const { ada, ben } = await together(person);
  await ada.page.getByRole("button", { name: "2 members" }).click();
  const row = ada.page.getByRole("complementary").getByRole("button", { name: /Ben/ });
  await expect(row).toContainText("Online");
  await ben.page.close();
  await expect(row).not.toContainText("Online", { timeout: 30_000 });
  await expect(row).toContainText(/Last seen|Offline/);
});

test("a room is destroyed once its name is typed, and everybody is moved out", async ({ person }) => {
  const { ada, ben } = await together(person);
  await ada.page.getByRole("heading", { name: "Tea room", level: 1 }).click();
  await ada.page.getByRole("button", { name: "Destroy the room…" }).click();
  const destroy = ada.page.getByRole("dialog").getByRole("button", { name: "Destroy", exact: true });
  await ada.page.getByLabel("Type the room’s name to confirm").fill("Tea");
  await expect(destroy).toBeDisabled();
  await ada.page.getByLabel("Type the room’s name to confirm").fill("Tea room");
  await destroy.click();
  for (const { page } of [ada, ben]) {
    await expect(page.getByRole("link", { name: /^Tea room/ })).toHaveCount(0);
    await expect(page.getByRole("log")).toHaveCount(0);
  }
});

test("two people talk between themselves", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  await ada.page.getByRole("button", { name: "Add a room" }).click();
  await ada.page.getByRole("menuitem", { name: "Message people" }).click();
  await ada.page.getByLabel("Name or user name").fill(ben.username);
  const found = ada.page.getByRole("dialog").getByRole("button", { name: /Ben/ });
  await expect(found).toHaveCount(1);
  await found.click();
  await ada.page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(ada.composer).toBeVisible();
  await ada.says("Just us");
  const link = ben.page.getByRole("link", { name: /^Ada/ });
  await expect(link).toBeVisible();
  await expect(link.locator(".badge")).toHaveText("1");
  await link.click();
  await ben.sees("Just us");
  await expect(link.locator(".badge")).toBeHidden();
});

test("an answer quotes what was said without its marks, and nothing that is hidden", async ({ person }) => {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const room = await ada.makesRoom("Mystery");
  await ada.opens(room);
  await ben.joins(room);
  await ada.says("It was **never** the butler, it was ||the gardener||");
  await ben.sees("It was never the butler");
  await ben.acts("It was never the butler", "Reply");
  await ben.says("no way");
  await expect(ada.message("no way").locator(".quote")).toHaveText(/It was never the butler, it was ▮$/);
});
