/**
 * The API's contract for developing and testing the dashboard alone: one process, no dependencies, all in memory.
 * Logins: ana@vitrine.test (supervisor) and bruno@vitrine.test (vendor), password "vitrine".
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { invariants, numbers, system, USERS } from "./data.mjs";
import { serveFeed } from "./feed.mjs";
import { conversations } from "./scenes.mjs";
import { actors, detail, listPage, mayReadConversation, metrics } from "./views.mjs";
import {
  act,
  addUser,
  changeNumber,
  changePassword,
  changeUser,
  customerWrites,
  decide,
  escalate,
  pause,
  problem,
  resume,
  send,
} from "./writes.mjs";

const HERE = fileURLToPath(import.meta.url);
const DIST = join(dirname(HERE), "../dist");
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

const access = new Map();
const refresh = new Map();
const answered = new Map();

function issue(user) {
  const tokens = { access_token: randomUUID(), refresh_token: randomUUID(), expires_in: 3600 };
  access.set(tokens.access_token, user);
  refresh.set(tokens.refresh_token, user);
  return [200, tokens];
}

const AUTH = {
  "/auth/login": ({ email, password }) =>
    USERS[email] && password === "vitrine"
      ? issue(USERS[email])
      : problem(401, "Acesso negado", "E-mail ou senha não conferem."),
  "/auth/refresh": ({ refresh_token: token }) => {
    const user = refresh.get(token);
    refresh.delete(token);
    return user ? issue(user) : problem(401, "Sessão encerrada", null);
  },
  "/auth/logout": ({ refresh_token: token }) => {
    refresh.delete(token);
    return [204, null];
  },
};

function read(path, params, user) {
  const [, resource, id] = path.split("/");
  if (path === "/me") return [200, user];
  if (path === "/system") return [200, system];
  if (path === "/conversations") return [200, listPage(user, params)];
  if (resource === "conversations") {
    const found = conversations.find((row) => row.id === id && mayReadConversation(user, row));
    return found ? [200, detail(found, user)] : problem(404, "Conversa não encontrada", null);
  }
  if (user.role !== "supervisor") return problem(403, "Sem permissão", null);
  if (path === "/numbers") return [200, { items: numbers, next_cursor: null }];
  if (path === "/actors") return [200, { items: actors(), next_cursor: null }];
  if (path === "/users") return [200, { items: Object.values(USERS), next_cursor: null }];
  if (path === "/metrics") return [200, metrics()];
  if (path === "/invariants") return [200, { items: invariants, next_cursor: null }];
  return problem(404, "Não encontrado", null);
}

function write(path, body, user) {
  const [, resource, id, action] = path.split("/");
  if (path === "/conversation") return send(user, body);
  if (path === "/escalate") return escalate(user, body);
  if (path === "/system/pause") return pause(user, body);
  if (path === "/system/resume") return resume();
  if (path === "/me/password") return changePassword(user, body);
  if (path === "/users") return addUser(body);
  if (resource === "users") return changeUser(id, body);
  if (resource === "messages") return decide(id, action, user);
  if (resource === "numbers") return changeNumber(id, action === "drain" ? "draining" : "active");
  if (resource === "conversations") return act(id, action, user, body);
  return problem(404, "Não encontrado", null);
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {};
}

async function serveDashboard(path, response) {
  const wanted = normalize(path.replace(/^\/app\/?/, ""));
  const isFile = extname(wanted) !== "" && !wanted.startsWith("..");
  const name = isFile ? wanted : "index.html";
  const bytes = await readFile(join(DIST, name));
  response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream" });
  response.end(bytes);
}

async function answer(request, response) {
  const url = new URL(request.url, "http://mock");
  const path = url.pathname;
  if (path.startsWith("/app")) return serveDashboard(path, response);
  const reply = ([status, body]) => {
    const type = status >= 400 ? "application/problem+json" : "application/json";
    response.writeHead(status, { "Content-Type": type });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  };
  const body = request.method !== "GET" ? await bodyOf(request) : {};
  if (AUTH[path]) return reply(AUTH[path](body));
  if (path === "/mock/customer") return reply(customerWrites(body));
  const user = access.get((request.headers.authorization ?? "").replace("Bearer ", ""));
  if (!user) return reply(problem(401, "Entre de novo", null));
  if (path === "/events") return serveFeed(request, response);
  if (request.method === "GET") return reply(read(path, url.searchParams, user));
  const key = request.headers["idempotency-key"];
  if (!key) return reply(problem(400, "Falta o cabeçalho Idempotency-Key", null));
  if (!answered.has(key)) answered.set(key, write(path, body, user));
  return reply(answered.get(key));
}

export function startMock(port = 0) {
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      const isMissing = error.code === "ENOENT";
      response.writeHead(isMissing ? 404 : 500, { "Content-Type": "application/problem+json" });
      response.end(
        JSON.stringify({ title: isMissing ? "Não encontrado" : "Erro do mock", detail: error.message }),
      );
    });
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      resolve({ server, origin: `http://127.0.0.1:${server.address().port}` });
    });
  });
}

if (process.argv[1] === HERE) {
  const { origin } = await startMock(Number(process.env.PORT ?? 0));
  console.log(`mock: ${origin}/app/login#email=ana@vitrine.test&password=vitrine`);
}
