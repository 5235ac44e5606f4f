import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";
import type { Options } from "./e2e/fixtures";

/** Debian's and Ubuntu's browser; any other can be named. */
const INSTALLED = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.HUBBUB_TEST_CHROMIUM ?? INSTALLED.find(existsSync);

/** What measures has the machine for itself; what takes pictures checks nothing. */
const APART = ["**/performance.spec.ts", "**/screenshots.spec.ts"];

export default defineConfig<Options>({
  testDir: "e2e",
  outputDir: "../.cache/browser-tests",
  // A test that fails now and then is a bug, of the test or of what it tests.
  retries: 0,
  workers: 2,
  fullyParallel: false,
  forbidOnly: process.env.CI !== undefined,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
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
    { name: "performance", use: { deployment: "standalone" }, testMatch: "**/performance.spec.ts" },
    { name: "screenshots", use: { deployment: "standalone" }, testMatch: "**/screenshots.spec.ts" },
  ],
});
