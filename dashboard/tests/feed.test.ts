import { afterEach, expect, test, vi } from "vitest";
import type { FeedEvent } from "@/api/feed-events";
import { followFeed, retryDelay } from "@/live/feed";
import { closeSession, openSession } from "@/session/vault";

afterEach(() => {
  closeSession();
  vi.unstubAllGlobals();
});

const stream = (text: string) => new Response(text, { headers: { "Content-Type": "text/event-stream" } });

/** Serves the given connections one after another and stops the feed when the last one was read. */
async function readConnections(bodies: (string | number)[]) {
  openSession({ access_token: "a", refresh_token: "r", expires_in: 1 }, false);
  const controller = new AbortController();
  const resumedFrom: (string | null)[] = [];
  const events: FeedEvent[] = [];
  vi.spyOn(Math, "random").mockReturnValue(0);
  vi.stubGlobal("fetch", async (_path: string, init: RequestInit) => {
    resumedFrom.push(new Headers(init.headers).get("Last-Event-ID"));
    const body = bodies.shift();
    if (body === undefined) {
      controller.abort();
      throw new DOMException("done", "AbortError");
    }
    return typeof body === "number" ? new Response("", { status: body }) : stream(body);
  });
  await followFeed({
    onEvent: (event) => events.push(event),
    onState: () => undefined,
    signal: controller.signal,
  });
  return { resumedFrom, events };
}

test("a reconnection resumes after the last event that was read", async () => {
  const { resumedFrom, events } = await readConnections([
    'id: f-7\nevent: conversation\ndata: {"conversation":{"id":"c"}}\n\n',
    'id: f-8\nevent: trace\ndata: {"stage":"turn.started"}\n\n',
  ]);
  expect(resumedFrom).toEqual([null, "f-7", "f-8"]);
  expect(events.map(({ type }) => type)).toEqual(["reset", "conversation", "trace"]);
});

test("a refused connection is tried again and loses no place", async () => {
  const { resumedFrom } = await readConnections(["id: f-1\nevent: reset\ndata: {}\n\n", 503]);
  expect(resumedFrom).toEqual([null, "f-1", "f-1"]);
});

test("events of an unknown name are ignored", async () => {
  const { events } = await readConnections(["id: f-1\nevent: weather\ndata: {}\n\n"]);
  expect(events.map(({ type }) => type)).toEqual(["reset"]);
});

test("the wait between attempts grows and stays below 30 seconds", () => {
  expect(retryDelay(0)).toBeLessThan(501);
  expect(retryDelay(3)).toBeGreaterThanOrEqual(2_000);
  expect(retryDelay(50)).toBeLessThanOrEqual(30_000);
});
