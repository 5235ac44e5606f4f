import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compress } from "./tools/compress.mjs";
import { serviceWorker } from "./tools/service-worker.mjs";

/** The gateway that `vite` and `vite preview` pass requests on to. */
const gateway = process.env.HUBBUB_GATEWAY ?? "http://127.0.0.1:8080";

const proxy = {
  "/api": { target: gateway, changeOrigin: false },
  "/ws": { target: gateway.replace(/^http/, "ws"), ws: true },
};

/** As the gateway sends it, so that `vite preview` shows what it would refuse. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

export default defineConfig({
  plugins: [react(), serviceWorker(["/favicon.svg", "/icon-192.png", "/manifest.webmanifest"]), compress()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    sourcemap: false,
    reportCompressedSize: true,
  },
  server: { proxy },
  preview: { proxy, headers: { "content-security-policy": policy } },
  // Those in `e2e` are Playwright's.
  test: { include: ["src/**/*.test.{ts,tsx}"] },
});
