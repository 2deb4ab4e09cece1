import { configure } from "@testing-library/react";
import "@testing-library/jest-dom/vitest";
import nodeConsole from "node:console";
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

/** happy-dom reports on Node's console each request that a test's end cuts off, and each refusal a test provokes. */
const EXPECTED = /socket hang up|\d{3} \([A-Z]/;
const print = nodeConsole.error;
nodeConsole.error = (...args: unknown[]) => {
  if (!EXPECTED.test(String(args[0]))) print(...args);
};

afterEach(() => {
  cleanup();
  sessionStorage.clear();
  localStorage.clear();
});

configure({ asyncUtilTimeout: 15_000 });
