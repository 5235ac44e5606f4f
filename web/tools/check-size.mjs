// Fails when the script that a first visit must load, compressed, has outgrown its bound. Lazy parts do
// not count: `index.html` names everything that the first screen needs.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** The most that the critical path may weigh, in bytes of gzip. */
const MOST = 200_000;

const dist = new URL("../dist/", import.meta.url);
const page = readFileSync(new URL("index.html", dist), "utf8");
const names = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, name]) => name);
if (names.length === 0) throw new Error("dist/index.html names no script: build first");

let total = 0;
for (const name of names) {
  const size = gzipSync(readFileSync(new URL(name, dist)), { level: 9 }).length;
  total += size;
  console.log(`${String(size).padStart(8)}  ${name}`);
}
console.log(`${String(total).padStart(8)}  of at most ${MOST} bytes of script on the critical path`);
if (total > MOST) process.exit(1);
