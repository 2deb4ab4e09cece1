/**
 * The API's shapes, typed once. Ids are UUIDv7 strings, times RFC 3339 UTC,
 * money integer centavos (`*_brl_centavos`) or micro-dollars (`*_usd_micros`).
 */
import type { Content } from "./content";

export type Role = "supervisor" | "vendor" | "agent";
export type Mode = "agent" | "operator" | "muted" | "closed";
export type Priority = "low" | "normal" | "high" | "urgent";
export type Awaiting = "none" | "quiet" | "turn" | "sending" | "operator" | "consent";
export type Author = "contact" | "agent" | "operator" | "system";
export type Direction = "inbound" | "outbound";
export type MessageStatus =
  | "received"
  | "queued"
  | "accepted"
  | "sent"
  | "delivered"
  | "read"
  | "played"
  | "failed"
  | "withdrawn"
  | "unknown"
  | "parked";

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

export interface Person {
  id: string;
  name: string;
}

export interface Me extends Person {
  email: string;
  role: Role;
  /** Somebody else chose it: the owner is asked for another. */
  password_is_initial: boolean;
}

export interface User extends Person {
  email: string;
  role: Role;
  active: boolean;
  online: boolean;
  password_is_initial: boolean;
}

export interface Contact {
  id: string;
  name: string | null;
  /** Masked by the API for vendor and agent. */
  phone: string | null;
  username?: string | null;
}

export interface Handoff {
  id: string;
  reason: string;
  priority: Priority;
  state: string;
  queued_at: string;
  position?: number | null;
}

export interface ConversationItem {
  id: string;
  contact: Contact;
  facade: Person | null;
  mode: Mode;
  assignee: Person | null;
  handoff: Handoff | null;
  score: number | null;
  last_message: {
    text: string | null;
    author: Author;
    direction: Direction;
    status: MessageStatus;
    at: string;
  } | null;
  unread_count: number;
  window_open_until: string | null;
  cost_brl_centavos: number;
  cost_usd_micros: number;
  awaiting: Awaiting;
  updated_at: string;
  ai_paused: boolean;
}

/** Why a message did not leave or arrive, in words for a person; `code` is Meta's number or our own word. */
export interface SendError {
  code: number | string | null;
  title: string;
  detail: string | null;
}

export interface Message {
  id: string;
  seq: number;
  direction: Direction;
  author: Author;
  operator: Person | null;
  content: Content;
  text: string | null;
  status: MessageStatus;
  status_at: string | null;
  error: SendError | null;
  /** It was sent again because nobody knew whether it had left. */
  possible_duplicate: boolean;
  reply_to: string | null;
  turn_id: string | null;
  phone_number_id: string | null;
  at: string;
}

export type TurnState = "running" | "committed" | "superseded" | "fenced" | "failed";

export interface ModelCall {
  model: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  latency_ms: number;
  stop_reason: string | null;
  cost_micros: number;
  error?: string | null;
}

export interface ToolCall {
  name: string;
  input: unknown;
  output: unknown;
  ok: boolean;
  latency_ms: number;
}

export interface Guardrail {
  rule: string;
  verdict: string;
  detail: string | null;
}

export type LatencyStage = "quiet" | "load" | "model" | "tools" | "commit" | "total";

export interface Turn {
  id: string;
  state: TurnState;
  started_at: string;
  finished_at: string | null;
  playbook: string | null;
  inputs: string[];
  context: unknown;
  reply: {
    message: string;
    qualification_score: number | null;
    next_action: string;
    metadata: unknown;
  } | null;
  model_calls: ModelCall[];
  tools: ToolCall[];
  guardrails: Guardrail[];
  tokens: Record<string, number>;
  cost_usd_micros: number;
  latency_ms: Partial<Record<LatencyStage, number | null>>;
  outcome: string | null;
  actor: { name: string; node: string; pid: number } | null;
}

export interface ConversationActor {
  name: string;
  kind: "own" | "shared";
  node: string;
  pid: number;
  mailbox: number;
  epoch: number;
  last_turn_at: string | null;
}

export interface Note {
  id: string;
  author: string;
  text: string;
  at: string;
}

export interface TimelineEntry {
  at: string;
  kind: string;
  text: string;
  actor?: string | null;
}

export interface Conversation extends ConversationItem {
  epoch: number;
  version: number;
  sticky_number: { phone_number_id: string; display_phone: string | null; reason: string } | null;
  origin: ({ kind: "direct" | "ad" | "link" } & Record<string, unknown>) | null;
  consent: {
    state: "none" | "asked" | "granted" | "refused" | "noticed";
    at: string | null;
    text_version: string | null;
  };
  /** Arrival number of the last event a person has dealt with; not a message's `seq`. */
  handled_up_to: number;
  /** Ids of the customer's messages nobody has answered: what the AI would work on after a hand-back. */
  pending: string[];
  case: { purpose: string; subject: string | null } | null;
  messages: Message[];
  /** There are more: ask with `messages_before`. */
  earlier_messages: boolean;
  turns: Turn[];
  notes: Note[];
  timeline: TimelineEntry[];
  actor: ConversationActor | null;
}

/** The epoch after a person acted, and the AI messages that had already left. */
export interface TakeoverResult {
  epoch: number;
  in_flight: string[];
}

export interface SentResult extends TakeoverResult {
  message_id: string;
}

/** Something a person must know now; it goes when its cause goes. */
export interface Alert {
  kind: "account_restricted" | "account_disabled" | "number_paused" | "number_banned" | "day_money_spent";
  text: string;
  since: string;
  until: string | null;
}

export interface SystemState {
  ai_paused: boolean;
  paused_by: string | null;
  paused_at: string | null;
  reason: string | null;
  sandbox: boolean;
  version: string;
  model: { name: string; rehearsal: boolean };
  pause_scope: string | null;
  alerts: Alert[];
}

/** A sentence that should be true, and what violates it. `checked_at` null: nobody looked yet. */
export interface Invariant {
  name: string;
  severity: "critical" | "warning";
  holds: string;
  remedy: string;
  of: string;
  violations: number;
  ids: string[];
  since: string | null;
  unchecked: string | null;
  checked_at: string | null;
}

export type NumberHealth = "healthy" | "degraded" | "paused" | "banned";

export interface PhoneNumber {
  phone_number_id: string;
  display_phone: string;
  verified_name: string | null;
  facade: Person;
  traffic_classes: string[];
  state: "active" | "draining" | "quarantined" | "disabled";
  health: NumberHealth;
  health_reason: string | null;
  health_since: string | null;
  quality: "GREEN" | "YELLOW" | "RED" | "UNKNOWN";
  messaging_limit: string | null;
  mps: number;
  sent_last_minute: number;
  errors_last_hour: number;
  open_threads: number;
  quarantine_until: string | null;
}

export interface RayActor {
  name: string;
  kind: "own" | "shared" | "number_pool" | "sender" | "clock" | "api" | "webhook";
  actor_id: string;
  node: string;
  pid: number;
  resident: number;
  conversations: {
    id: string;
    mailbox: number;
    epoch: number;
    last_turn_at: string | null;
    state: string;
  }[];
  memory_bytes: number;
  started_at: string | null;
  heartbeat_at: string | null;
}
