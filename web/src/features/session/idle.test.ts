import { expect, test } from "vitest";
import type { DeviceStatus } from "../../wire/types";
import { AWAY_AFTER, Idle, type Shared } from "./idle";

function device() {
  let now = 1_000_000;
  let last = 0;
  const shared: Shared = {
    read: () => last,
    write: (at) => {
      last = at;
    },
  };
  const tab = () => {
    const told: DeviceStatus[] = [];
    return {
      told,
      idle: new Idle(
        shared,
        () => now,
        (status) => told.push(status),
      ),
    };
  };
  return { tab, wait: (ms: number) => (now += ms) };
}

test("away after five minutes without input, and back with the next", () => {
  const { tab, wait } = device();
  const { idle, told } = tab();
  idle.input();
  wait(AWAY_AFTER - 1);
  idle.look();
  expect(told).toEqual([]);
  wait(1);
  idle.look();
  idle.look();
  expect(told).toEqual(["away"]);
  idle.input();
  expect(told).toEqual(["away", "online"]);
});

test("input in another tab keeps all tabs here", () => {
  const { tab, wait } = device();
  const [left, used] = [tab(), tab()];
  left.idle.input();
  for (let minute = 0; minute < 20; minute += 1) {
    wait(60_000);
    used.idle.input();
    left.idle.look();
  }
  expect(left.told).toEqual([]);
});

test("a tab that was away is back when another one is used", () => {
  const { tab, wait } = device();
  const [left, used] = [tab(), tab()];
  left.idle.input();
  wait(AWAY_AFTER);
  left.idle.look();
  used.idle.input();
  left.idle.look();
  expect(left.told).toEqual(["away", "online"]);
});
