import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Paths that belong to the API and are passed on to it while developing. */
const API_PATHS = [
  "/auth",
  "/me",
  "/conversations",
  "/conversation",
  "/messages",
  "/users",
  "/escalate",
  "/system",
  "/numbers",
  "/actors",
  "/metrics",
  "/events",
];

const apiOrigin = process.env.VITRINE_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "/app/",
  plugins: [react()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(API_PATHS.map((path) => [path, apiOrigin])),
  },
  // One chunk on purpose: the service worker keeps exactly the files that index.html names.
  build: { target: "es2022", reportCompressedSize: false, chunkSizeWarningLimit: 800 },
  test: {
    environment: "happy-dom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    // The screens run against a live mock: on a busy machine they are slow, not wrong.
    testTimeout: 60_000,
  },
});
