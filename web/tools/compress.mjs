import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TEXT = /\.(?:html|js|css|svg|json|webmanifest|txt|map)$/;
/** A smaller file fits one packet either way. */
const WORTH_IT = 1024;

const WAYS = [
  { ending: ".gz", compress: (bytes) => promisify(gzip)(bytes, { level: 9 }) },
  {
    ending: ".br",
    compress: (bytes) =>
      promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  },
];

/** Leaves a compressed file beside each one that gains by it; the gateway sends what a browser takes. */
export function compress() {
  let directory = "";
  return {
    name: "hubbub-compress",
    apply: "build",
    // After every other plugin has written its files.
    enforce: "post",
    configResolved(config) {
      directory = config.build.outDir;
    },
    closeBundle: {
      order: "post",
      sequential: true,
      async handler() {
        const entries = await readdir(directory, { recursive: true, withFileTypes: true });
        const files = entries.filter((entry) => entry.isFile() && TEXT.test(entry.name));
        await Promise.all(files.map((entry) => compressFile(join(entry.parentPath, entry.name))));
      },
    },
  };
}

async function compressFile(path) {
  const bytes = await readFile(path);
  if (bytes.length < WORTH_IT) return;
  for (const way of WAYS) {
    const compressed = await way.compress(bytes);
    if (compressed.length < bytes.length) await writeFile(path + way.ending, compressed);
  }
}
