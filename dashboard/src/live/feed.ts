import { createParser, type EventSourceMessage } from "eventsource-parser";
import { authorizedFetch } from "@/api/client";
import type { FeedEvent } from "@/api/feed-events";
import { ApiProblem } from "@/api/problem";

export type FeedState = "connecting" | "live" | "waiting";

/** The server closes at 50 s; a stream silent for longer is dead even when the socket looks open. */
const SILENCE_LIMIT_MS = 65_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

interface FeedHandlers {
  onEvent: (event: FeedEvent) => void;
  onState: (state: FeedState) => void;
  signal: AbortSignal;
}

/**
 * Follows `/events` until aborted. Resumes with Last-Event-ID; a connection that could not resume
 * (no id yet) reports `reset`, because what happened before it opened is unknown.
 */
export async function followFeed({ onEvent, onState, signal }: FeedHandlers): Promise<void> {
  let lastEventId: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    onState("connecting");
    try {
      await readOnce(lastEventId, signal, {
        onOpen: () => {
          failures = 0;
          onState("live");
          if (lastEventId === null) onEvent({ type: "reset" });
        },
        onMessage: (message) => {
          if (message.id) lastEventId = message.id;
          const event = parseEvent(message);
          if (event?.type === "reset") lastEventId = message.id ?? null;
          if (event) onEvent(event);
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiProblem && error.status === 401) return;
      failures += 1;
    }
    if (failures > 0) onState("waiting");
    await pause(retryDelay(failures), signal);
  }
}

/** Milliseconds before the next attempt: at once after an ordinary close, then doubling, with jitter. */
export function retryDelay(failures: number): number {
  if (failures === 0) return Math.random() * 500;
  const ceiling = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

export function parseEvent(message: EventSourceMessage): FeedEvent | null {
  switch (message.event) {
    case "reset":
      return { type: "reset" };
    case "message":
    case "conversation":
    case "trace":
    case "system":
      return { type: message.event, data: JSON.parse(message.data) } as FeedEvent;
    default:
      return null;
  }
}

interface ReadHandlers {
  onOpen: () => void;
  onMessage: (message: EventSourceMessage) => void;
}

async function readOnce(
  lastEventId: string | null,
  outer: AbortSignal,
  handlers: ReadHandlers,
): Promise<void> {
  const silence = new AbortController();
  const abortSilence = () => silence.abort();
  let watchdog = setTimeout(abortSilence, SILENCE_LIMIT_MS);
  try {
    const response = await authorizedFetch("/events", {
      headers: { Accept: "text/event-stream", ...(lastEventId ? { "Last-Event-ID": lastEventId } : {}) },
      cache: "no-store",
      signal: AbortSignal.any([outer, silence.signal]),
    });
    if (!response.ok || !response.body) throw new ApiProblem(response.status, "Feed indisponível", null);
    handlers.onOpen();
    const parser = createParser({ onEvent: handlers.onMessage });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(abortSilence, SILENCE_LIMIT_MS);
      parser.feed(value);
    }
  } finally {
    clearTimeout(watchdog);
  }
}

/** Waits, but no longer than until the browser reports that the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      window.removeEventListener("online", finish);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    window.addEventListener("online", finish);
    signal.addEventListener("abort", finish);
  });
}
