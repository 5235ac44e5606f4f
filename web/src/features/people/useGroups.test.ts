import { expect, test } from "vitest";
import { kept } from "./useGroups";

const shown = { here: new Set(["ada"]), all: new Set(["ada", "ben"]) };

test("while the list is held, whoever comes or goes stays where they are shown", () => {
  expect([...kept(new Set(["ben"]), shown)]).toEqual(["ada"]);
});

test("newcomers are put where they belong", () => {
  expect([...kept(new Set(["ben", "cy"]), shown)]).toEqual(["ada", "cy"]);
});
