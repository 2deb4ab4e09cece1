import { closeSession, getAccessToken, refreshAccessToken } from "@/session/vault";
import { ApiProblem, problemFrom, problemFromUnknown } from "./problem";

/** A request with the session's token; on 401 the token is refreshed once and the request repeated. */
export async function authorizedFetch(path: string, init: RequestInit = {}): Promise<Response> {
  const token = getAccessToken() ?? (await refreshAccessToken());
  if (!token) throw new ApiProblem(401, "Sua sessão terminou", null);
  const response = await fetch(path, withToken(init, token));
  if (response.status !== 401) return response;
  const renewed = await refreshAccessToken();
  if (!renewed) throw new ApiProblem(401, "Sua sessão terminou", null);
  const again = await fetch(path, withToken(init, renewed));
  if (again.status === 401) closeSession();
  return again;
}

function withToken(init: RequestInit, token: string): RequestInit {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${token}`);
  return { ...init, headers };
}

async function unwrap<T>(request: Promise<Response>): Promise<T> {
  let response: Response;
  try {
    response = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw problemFromUnknown(error);
  }
  if (!response.ok) throw await problemFrom(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return unwrap<T>(
    authorizedFetch(path, { headers: { Accept: "application/json" }, ...(signal ? { signal } : {}) }),
  );
}

/** A write. `idempotencyKey` is passed when a repeat of the same intent must not act twice. */
export function post<T>(path: string, body: unknown = {}, idempotencyKey?: string): Promise<T> {
  return unwrap<T>(authorizedFetch(path, jsonPost(body, idempotencyKey)));
}

export function patch<T>(path: string, body: unknown): Promise<T> {
  return unwrap<T>(authorizedFetch(path, { ...jsonPost(body), method: "PATCH" }));
}

/** A write without a session (login). */
export function postAnonymously<T>(path: string, body: unknown): Promise<T> {
  return unwrap<T>(fetch(path, jsonPost(body)));
}

function jsonPost(body: unknown, idempotencyKey: string = crypto.randomUUID()): RequestInit {
  return {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "Idempotency-Key": idempotencyKey,
    },
    body: JSON.stringify(body),
  };
}
