import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Writes `sw.js` with the files of this build: all script and style, and what stands in `always`. */
export function serviceWorker(always) {
  return {
    name: "hubbub-service-worker",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const files = Object.keys(bundle)
          .filter((name) => /\.(?:js|css)$/.test(name))
          .map((name) => `/${name}`)
          .concat(always)
          .sort();
        const page = bundle["index.html"]?.source ?? "";
        const version = createHash("sha256").update(files.join()).update(page).digest("hex").slice(0, 12);
        const source = readFileSync(new URL("../src/pwa/sw.js", import.meta.url), "utf8")
          .replace("__VERSION__", version)
          .replace("__FILES__", JSON.stringify(files));
        this.emitFile({ type: "asset", fileName: "sw.js", source });
      },
    },
  };
}
