/** `npm run dev:mock`: the mock API and Vite's development server, stopped together. */
import { createServer } from "vite";
import { startMock } from "./server.mjs";

const { origin } = await startMock();
process.env.VITRINE_API = origin;
const vite = await createServer();
await vite.listen();
vite.printUrls();
console.log(
  "  login: /app/login#email=ana@vitrine.test&password=vitrine (supervisor), bruno@vitrine.test (vendor)",
);
