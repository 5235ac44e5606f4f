import { expect, test } from "./fixtures";
import type { Person, RoomView } from "./person";

/** Somebody who keeps order, and a member of their room. */
async function together(
  person: (name: string, arrival?: { gateway: number }) => Promise<Person>,
): Promise<{ ada: Person; ben: Person; room: RoomView }> {
  const [ada, ben] = [await person("Ada", { gateway: 0 }), await person("Ben", { gateway: 1 })];
  const room = await ada.makesRoom("Orderly");
  await ada.opens(room);
  await ben.joins(room);
  return { ada, ben, room };
}

test("slow mode counts down, and what is said meanwhile goes out by itself, over a reload too", async ({
  person,
}) => {
  const { ada, ben, room } = await together(person);
  await ada.asks(`rooms/${room.id}`, { slow_mode_ms: 8_000 }, "PATCH");
  const note = ben.page.getByRole("timer");
  await expect(note).toHaveText("Slow mode: 8 seconds");
  await ben.says("first");
  await ada.sees("first");
  await expect(note).toHaveText(/you can write again in 0:0\d/);
  await ben.says("second");
  await expect(ben.composer).toHaveValue("");
  await ben.delivery("second", "Sending");
  await expect(note).toHaveText(/your message goes out in 0:0\d/);
  await ben.page.reload();
  await ben.delivery("second", "Sending");
  await expect(note).toHaveText(/your message goes out in 0:0\d/);
  await ada.sees("second");
  await expect(ada.message("second")).toHaveCount(1);
  await expect(ben.message("second")).toHaveCount(1);
  await expect(ada.page.getByRole("timer"), "who keeps order does not wait").toHaveCount(0);
});

test("whoever is muted is told until when, keeps what they wrote, and can write again after that", async ({
  person,
}) => {
  const { ada, ben, room } = await together(person);
  await ben.says("before");
  await ada.sees("before");
  const { id } = await ben.asks<{ id: string }>("me");
  await ben.composer.fill("kept");
  await ada.asks(`rooms/${room.id}/members/${id}`, { mute_for: 6 }, "PATCH");
  await ben.composer.press("Enter");
  await expect(ben.message("kept").getByRole("alert")).toContainText("You are muted here for now.");
  await expect(ben.page.getByText(/You can’t write here until/)).toBeVisible();
  await expect(ben.composer).toBeVisible();
  await ben.message("kept").getByRole("button", { name: "Retry" }).click();
  await ada.sees("kept");
});

test("who keeps order mutes, kicks and bans with a reason, and the room's record has it all", async ({
  person,
}) => {
  const { ada, ben, room } = await together(person);
  const { page } = ada;
  const ofBen = async () => {
    await page.getByRole("complementary").getByText("Ben", { exact: true }).click();
    return page.getByRole("dialog", { name: "Ben" });
  };
  const confirms = async (question: string, reason: string, action: string) => {
    const dialog = page.getByRole("dialog", { name: question });
    await dialog.getByLabel("Reason").fill(reason);
    await dialog.getByRole("button", { name: action, exact: true }).click();
    await expect(dialog).toBeHidden();
  };
  await page.getByRole("button", { name: "2 members" }).click();

  await (await ofBen()).getByLabel("Writing").selectOption({ label: "Mute for 5 minutes" });
  await confirms("Mute Ben for 5 minutes?", "too loud", "Mute");
  await expect(ben.page.getByText(/You can’t write here until/)).toBeVisible();

  await (await ofBen()).getByRole("button", { name: "Kick…" }).click();
  await confirms("Kick Ben?", "still loud", "Kick");
  await expect(ben.page.getByText(/Orderly/)).toHaveCount(0);
  await ben.joins(room);

  await (await ofBen()).getByRole("button", { name: "Ban…" }).click();
  await confirms("Ban Ben?", "no end of it", "Ban");
  await expect(ben.composer).toBeHidden();
  await expect(ben.joins(room)).rejects.toThrow();

  await page.getByRole("heading", { name: "Orderly", level: 1 }).click();
  await page.getByText("What was done here").click();
  const record = page.locator(".audit");
  for (const reason of ["too loud", "still loud", "no end of it"]) {
    await expect(record.getByText(reason)).toBeVisible();
  }
});
