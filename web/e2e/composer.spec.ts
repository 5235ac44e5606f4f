import { expect, test } from "./fixtures";

test("a draft survives a reload, with the message that it answers", async ({ person }) => {
  const ada = await person("Ada");
  const [room, other] = [await ada.makesRoom("Kitchen"), await ada.makesRoom("Garden")];
  await ada.opens(room);
  await ada.says("Cake?");
  await ada.delivery("Cake?", "Sent");
  await ada.acts("Cake?", "Reply");
  await ada.composer.fill("Chocolate, pl");
  await ada.page.reload();
  await expect(ada.composer).toHaveValue("Chocolate, pl");
  await expect(ada.page.locator(".composer-reply")).toContainText("Cake?");
  await ada.opens(other);
  await expect(ada.composer).toHaveValue("");
  await expect(ada.page.locator(".composer-reply")).toHaveCount(0);
  await ada.opens(room);
  await ada.composer.press("End");
  await ada.composer.pressSequentially("ease");
  await ada.composer.press("Enter");
  await expect(ada.message("Chocolate, please")).toContainText("Cake?");
  await ada.page.reload();
  await ada.sees("Chocolate, please");
  await expect(ada.composer).toHaveValue("");
  await expect(ada.page.locator(".composer-reply")).toHaveCount(0);
});

test("what an input method composes is not sent", async ({ person }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Kitchen"));
  await ada.composer.fill("kon");
  const composed = (how: Record<string, unknown>) =>
    ada.composer.evaluate((input, how) => {
      const event = { key: "Enter", bubbles: true, cancelable: true, ...how };
      input.dispatchEvent(new KeyboardEvent("keydown", event));
    }, how);
  await composed({ isComposing: true });
  // Safari's word for it.
  await composed({ keyCode: 229 });
  await expect(ada.composer).toHaveValue("kon");
  await ada.composer.press("Enter");
  await ada.sees("kon");
  await expect(ada.timeline.getByRole("article")).toHaveCount(1);
});

test("a long text that is pasted can go as a file, and what is left is counted", async ({ person }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Kitchen"));
  const paste = (text: string) =>
    ada.composer.evaluate((input, text) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", text);
      input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
      document.execCommand("insertText", false, text);
    }, text);
  await ada.composer.focus();
  await ada.composer.fill("See: ");
  await ada.composer.press("End");
  await paste("long ".repeat(900));
  await ada.page.getByRole("button", { name: "Attach it as a file" }).click();
  await expect(ada.composer).toHaveValue("See: ");
  await expect(ada.page.locator(".upload")).toContainText("text.txt");
  await ada.composer.press("Enter");
  await expect(ada.message("See:").getByRole("link", { name: /text\.txt/ })).toBeVisible();

  // A family is one character, whatever it is made of.
  await ada.composer.fill("👨‍👩‍👧".repeat(3_000));
  await expect(ada.page.locator(".composer-left")).toHaveCount(0);
  await ada.composer.fill("👨‍👩‍👧".repeat(3_990));
  await expect(ada.page.locator(".composer-left")).toHaveText("10");
});

test("a skin tone and the emoji used last are remembered", async ({ person }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Kitchen"));
  const emoji = ada.page.locator(".composer").getByRole("button", { name: "Emoji" });
  await emoji.click();
  await ada.page.getByLabel("Skin tone").selectOption("medium");
  await ada.page.getByPlaceholder("Search emoji").fill("waving hand");
  await ada.page.getByRole("gridcell").filter({ hasText: "👋🏽" }).click();
  await expect(ada.composer).toHaveValue("👋🏽");
  await ada.page.reload();
  await emoji.click();
  await expect(ada.page.getByLabel("Skin tone")).toHaveValue("medium");
  await expect(ada.page.getByRole("group", { name: "Used last" }).getByRole("button")).toHaveText(["👋🏽"]);
});

test("an emoji and a name come in where the cursor is", async ({ person }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Kitchen"));
  await ada.composer.pressSequentially("tea please");
  for (let step = 0; step < " please".length; step += 1) await ada.composer.press("ArrowLeft");
  await ada.page.locator(".composer").getByRole("button", { name: "Emoji" }).click();
  await ada.page.getByPlaceholder("Search emoji").fill("waving hand");
  await ada.page.getByRole("gridcell").first().click();
  await expect(ada.composer).toHaveValue("tea👋 please");

  await ada.composer.fill("@a, please");
  await ada.composer.press("Home");
  await expect(ada.page.getByRole("listbox")).toHaveCount(0);
  await ada.composer.press("ArrowRight");
  await ada.composer.press("ArrowRight");
  await expect(ada.page.getByRole("option").first()).toContainText("Ada");
  await ada.composer.press("Tab");
  await expect(ada.composer).toHaveValue(/^@ada\S* , please$/);
});
