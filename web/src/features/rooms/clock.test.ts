import { expect, test } from "vitest";
import { clock } from "./clock";

test("seconds are shown as a clock shows them", () => {
  expect([0, 7, 60, 750, 3_600, 3_723, 21_600].map(clock)).toEqual([
    "0:00",
    "0:07",
    "1:00",
    "12:30",
    "1:00:00",
    "1:02:03",
    "6:00:00",
  ]);
});
