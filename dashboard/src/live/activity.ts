import { useSyncExternalStore } from "react";
import type { Trace, TraceStage } from "@/api/feed-events";

/** What the AI is doing now in each conversation: the last trace of a turn still under way. */
const current = new Map<string, Trace>();
const listeners = new Set<() => void>();

const IN_PROGRESS: ReadonlySet<TraceStage> = new Set([
  "webhook.received",
  "inbox.stored",
  "doorbell.rung",
  "actor.activated",
  "quiet.waiting",
  "turn.started",
  "model.called",
  "model.answered",
  "tool.called",
  "turn.committed",
  "number.chosen",
  "send.claimed",
]);

export function recordTrace(trace: Trace): void {
  if (IN_PROGRESS.has(trace.stage)) current.set(trace.conversation_id, trace);
  else current.delete(trace.conversation_id);
  for (const listener of listeners) listener();
}

export function clearActivity(): void {
  current.clear();
  for (const listener of listeners) listener();
}

export function useActivity(conversationId: string): Trace | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current.get(conversationId),
  );
}
