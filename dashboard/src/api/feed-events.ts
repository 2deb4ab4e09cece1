/** What `/events` tells, by event name. */
import type { ConversationItem, Message } from "./types";

export type TraceStage =
  | "webhook.received"
  | "inbox.stored"
  | "doorbell.rung"
  | "actor.activated"
  | "quiet.waiting"
  | "turn.started"
  | "model.called"
  | "model.answered"
  | "tool.called"
  | "turn.committed"
  | "number.chosen"
  | "send.claimed"
  | "send.posted"
  | "status.sent"
  | "status.delivered"
  | "status.read"
  | "status.failed"
  | "turn.superseded"
  | "turn.fenced"
  | "send.loop_cap"
  | "send.window_closed"
  | "send.not_noticed"
  | "send.decision_expired"
  | "human.took_over";

export interface Trace {
  conversation_id: string;
  message_id?: string | null;
  turn_id?: string | null;
  stage: TraceStage;
  at: string;
  ms?: number | null;
  detail: Record<string, unknown>;
}

export type FeedEvent =
  | { type: "message"; data: { conversation_id: string; message: Message } }
  | { type: "conversation"; data: { conversation: ConversationItem } }
  | { type: "trace"; data: Trace }
  /** The house changed: a pause, an account, a number, the money; what it is now is asked for. */
  | { type: "system"; data: { ai_paused?: boolean } }
  | { type: "reset" };
