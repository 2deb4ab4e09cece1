import type { Conversation, ConversationItem, Message, Turn } from "@/api/types";

export function aMessage(rest: Partial<Message> & Pick<Message, "id" | "seq">): Message {
  return {
    direction: "inbound",
    author: "contact",
    operator: null,
    content: { kind: "text", body: "oi" },
    text: "oi",
    status: "received",
    status_at: null,
    error: null,
    possible_duplicate: false,
    reply_to: null,
    turn_id: null,
    phone_number_id: "1",
    at: `2026-11-10T12:00:${String(rest.seq).padStart(2, "0")}Z`,
    ...rest,
  };
}

export function aTurn(rest: Partial<Turn> & Pick<Turn, "id">): Turn {
  return {
    state: "committed",
    started_at: "2026-11-10T12:00:00Z",
    finished_at: null,
    playbook: null,
    inputs: [],
    context: {},
    reply: null,
    model_calls: [],
    tools: [],
    guardrails: [],
    tokens: {},
    cost_usd_micros: 0,
    latency_ms: {},
    outcome: null,
    actor: null,
    ...rest,
  };
}

export function anItem(rest: Partial<ConversationItem> & Pick<ConversationItem, "id">): ConversationItem {
  return {
    contact: { id: "c", name: "Maria", phone: "+55 31 99999-0000" },
    facade: null,
    mode: "agent",
    assignee: null,
    handoff: null,
    score: null,
    last_message: null,
    unread_count: 0,
    window_open_until: null,
    cost_brl_centavos: 0,
    cost_usd_micros: 0,
    awaiting: "none",
    updated_at: "2026-11-10T12:00:00Z",
    ai_paused: false,
    ...rest,
  };
}

export function aConversation(rest: Partial<Conversation>): Conversation {
  return {
    ...anItem({ id: "conversation-1" }),
    epoch: 0,
    version: 0,
    sticky_number: null,
    origin: null,
    consent: { state: "granted", at: null, text_version: null },
    handled_up_to: 0,
    pending: [],
    case: null,
    messages: [],
    earlier_messages: false,
    turns: [],
    notes: [],
    timeline: [],
    actor: null,
    ...rest,
  };
}
