/**
 * Where the tokens live: the access token only in memory, the refresh token in the browser.
 * A one-click login stays in its tab (sessionStorage), so that two roles can be open side by side;
 * a typed login is kept on the device (localStorage) when the person asks for it.
 */
import { problemFrom } from "@/api/problem";
import type { Tokens } from "@/api/types";

const KEY = "vitrine.refresh";

let accessToken: string | null = null;
let refreshing: Promise<string | null> | null = null;
const listeners = new Set<() => void>();

function homeOfToken(): Storage | null {
  if (sessionStorage.getItem(KEY)) return sessionStorage;
  if (localStorage.getItem(KEY)) return localStorage;
  return null;
}

function announce(): void {
  for (const listener of listeners) listener();
}

export function getAccessToken(): string | null {
  return accessToken;
}

export function getRefreshToken(): string | null {
  return homeOfToken()?.getItem(KEY) ?? null;
}

export function hasSession(): boolean {
  return accessToken !== null || homeOfToken() !== null;
}

export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function openSession(tokens: Tokens, keepOnDevice: boolean): void {
  sessionStorage.removeItem(KEY);
  if (keepOnDevice) localStorage.setItem(KEY, tokens.refresh_token);
  else sessionStorage.setItem(KEY, tokens.refresh_token);
  accessToken = tokens.access_token;
  announce();
}

export function closeSession(): void {
  homeOfToken()?.removeItem(KEY);
  accessToken = null;
  announce();
}

/**
 * A fresh access token, or null when the session is over. Rotation means that a refresh token works once
 * and that its reuse revokes the family, so calls of one tab share one request and tabs wait for each other.
 * Raises ApiProblem (status >= 500, 429) or TypeError (no network) while nothing is decided: the session stays.
 */
export function refreshAccessToken(): Promise<string | null> {
  refreshing ??= exclusively(rotate).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

function exclusively<T>(work: () => Promise<T>): Promise<T> {
  if (!navigator.locks) return work();
  return navigator.locks.request(KEY, work);
}

async function rotate(): Promise<string | null> {
  const home = homeOfToken();
  const token = home?.getItem(KEY);
  if (!home || !token) {
    closeSession();
    return null;
  }
  const response = await fetch("/auth/refresh", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({ refresh_token: token }),
  });
  if (response.ok) {
    const tokens = (await response.json()) as Tokens;
    home.setItem(KEY, tokens.refresh_token);
    accessToken = tokens.access_token;
    return accessToken;
  }
  if (response.status >= 500 || response.status === 429) throw await problemFrom(response);
  closeSession();
  return null;
}
