import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import type { Options } from "./e2e/fixtures";

/** Debian's and Ubuntu's browser; any other can be named. */
const INSTALLED = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.HUBBUB_TEST_CHROMIUM ?? INSTALLED.find(existsSync);

/** What measures runs after everything else; what takes pictures checks nothing. */
const APART = ["**/performance.spec.ts", "**/screenshots.spec.ts"];

/** Bounds that are there for people, and not for those who fill a room in a minute. */
const UNBOUNDED = {
  HUBBUB_SEND_BURST: "100000",
  HUBBUB_SEND_PER_SECOND: "100000",
  HUBBUB_IN_FLIGHT: "10000",
};

export default defineConfig<Options>({
  testDir: "e2e",
  outputDir: "../.cache/browser-tests",
  // A test that fails now and then is a bug, of the test or of what it tests: it is tried once more, so
  // that one stall of the machine does not hide what all the others say, and named at the end.
  retries: 1,
  workers: 2,
  fullyParallel: false,
  forbidOnly: process.env.CI !== undefined,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"], ["./e2e/verdict.ts"]],
  use: {
    launchOptions: {
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
      ...(executablePath === undefined ? {} : { executablePath }),
    },
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    screenshot: "only-on-failure",
  },
  projects: [
    { name: "standalone", use: { deployment: "standalone" }, testIgnore: APART },
    { name: "cluster", use: { deployment: "cluster" }, testIgnore: APART },
    {
      name: "performance",
      use: { deployment: "standalone", settings: UNBOUNDED },
      testMatch: "**/performance.spec.ts",
      dependencies: ["standalone", "cluster"],
    },
    { name: "screenshots", use: { deployment: "standalone" }, testMatch: "**/screenshots.spec.ts" },
  ],
});
