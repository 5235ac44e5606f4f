import type { Reporter, TestCase, TestResult } from "@playwright/test/reporter";

/** What colours a terminal. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
/** Lines of a message that are repeated. */
const LINES = 14;
/** Characters of such a line. */
const WIDTH = 200;

/**
 * Says at the very end, where nobody has to look for it, what failed and why: also what succeeded only
 * when it was tried again.
 */
export default class Verdict implements Reporter {
  private readonly failed: string[] = [];

  onTestEnd(test: TestCase, { status, retry, errors, duration }: TestResult): void {
    if (status === test.expectedStatus || status === "skipped") return;
    const [project, ...path] = test.titlePath().filter(Boolean);
    const why = errors.map(({ message }) => (message ?? "").replace(COLOURS, "").split("\n"));
    const lines = why.flatMap((message) =>
      message
        .filter((line) => line.trim())
        .slice(0, LINES)
        .map((line) => line.slice(0, WIDTH)),
    );
    const seconds = (duration / 1000).toFixed(1);
    this.failed.push(
      [
        `${status} after ${seconds} s, try ${retry + 1}: [${project}] ${path.join(" › ")}`,
        ...lines.map((line) => `    ${line}`),
      ].join("\n"),
    );
  }

  onEnd(): void {
    if (this.failed.length > 0) console.log(`\nWhat went wrong:\n${this.failed.join("\n")}`);
  }
}
