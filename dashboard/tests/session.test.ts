import { afterEach, expect, test, vi } from "vitest";
import { get } from "@/api/client";
import { closeSession, hasSession, openSession } from "@/session/vault";

type Answer = (path: string, init: RequestInit) => Response;

const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

function stubApi(answer: Answer) {
  const calls: string[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    calls.push(path);
    return answer(path, init);
  });
  return calls;
}

const bearer = (init: RequestInit) => new Headers(init.headers).get("Authorization");
const renewed = { access_token: "new", refresh_token: "r2", expires_in: 3600 };

const apiWithExpiredToken: Answer = (path, init) => {
  if (path === "/auth/refresh") return json(200, renewed);
  return bearer(init) === "Bearer new" ? json(200, { ok: true }) : json(401, { title: "Expirou" });
};

afterEach(() => {
  closeSession();
  vi.unstubAllGlobals();
});

const logIn = (keep: boolean) =>
  openSession({ access_token: "old", refresh_token: "r1", expires_in: 1 }, keep);

test("an expired token is refreshed once and the request repeated", async () => {
  const calls = stubApi(apiWithExpiredToken);
  logIn(false);
  await expect(get("/me")).resolves.toEqual({ ok: true });
  expect(calls).toEqual(["/me", "/auth/refresh", "/me"]);
  expect(sessionStorage.getItem("vitrine.refresh")).toBe("r2");
});

test("requests refused together share one refresh, since a refresh token works once", async () => {
  const calls = stubApi(apiWithExpiredToken);
  logIn(true);
  await Promise.all([get("/me"), get("/system"), get("/numbers")]);
  expect(calls.filter((path) => path === "/auth/refresh")).toHaveLength(1);
});

test("a refused refresh ends the session", async () => {
  stubApi(() => json(401, { title: "Sessão encerrada" }));
  logIn(true);
  await expect(get("/me")).rejects.toMatchObject({ status: 401 });
  expect(hasSession()).toBe(false);
});

test("a server in trouble does not log anybody out", async () => {
  stubApi((path) => json(path === "/auth/refresh" ? 503 : 401, { title: "Fora do ar" }));
  logIn(true);
  await expect(get("/me")).rejects.toMatchObject({ status: 503, title: "Fora do ar" });
  expect(hasSession()).toBe(true);
});
