import { expect, test } from "./fixtures";
import type { Person } from "./person";

interface Case {
  readonly what: string;
  /** What goes away with the focus in it. */
  readonly act: (person: Person) => Promise<void>;
  /** The button that has the focus afterwards; else one goes on writing. */
  readonly to?: string;
}

const press = async ({ page }: Person, name: string) => {
  const button = page.getByRole("button", { name, exact: true });
  await button.focus();
  await page.keyboard.press("Enter");
};

const CASES: readonly Case[] = [
  {
    what: "a panel that Esc closes",
    act: async (ada) => {
      await press(ada, "Search");
      await expect(ada.page.getByLabel("Search messages")).toBeFocused();
      await ada.page.keyboard.press("Escape");
    },
    to: "Search",
  },
  {
    what: "a panel that its button closes",
    act: async (ada) => {
      await press(ada, "1 member");
      await press(ada, "Close");
    },
    to: "1 member",
  },
  { what: "the way to the present", act: (ada) => press(ada, "Jump to present") },
  {
    what: "a reply that is not to be one",
    act: async (ada) => {
      await ada.acts("the last", "Reply");
      await press(ada, "Cancel reply");
    },
  },
  {
    what: "the only file",
    act: async (ada) => {
      const file = { name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("note") };
      await ada.page.locator("input[type=file]").setInputFiles(file);
      await press(ada, "Remove note.txt");
    },
  },
  {
    what: "the offer to attach a long text",
    act: async (ada) => {
      await ada.composer.evaluate((element, text) => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        element.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
      }, "long ".repeat(1_000));
      await ada.composer.fill("long ");
      await press(ada, "Dismiss");
    },
  },
];

test("whatever goes away gives the focus back", async ({ person }) => {
  const ada = await person("Ada");
  await ada.opens(await ada.makesRoom("Keys"));
  await ada.says("line\n".repeat(100));
  await ada.says("the last");
  await ada.delivery("the last", "Sent");
  await ada.page.locator(".timeline").hover();
  await ada.page.mouse.wheel(0, -1_500);
  await expect(ada.page.getByRole("button", { name: "Jump to present" })).toBeVisible();
  for (const { what, act, to } of CASES) {
    await test.step(what, async () => {
      await act(ada);
      const target = to ? ada.page.getByRole("button", { name: to, exact: true }) : ada.composer;
      await expect(target, what).toBeFocused();
    });
  }
});
