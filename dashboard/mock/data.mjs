/** A fictitious company's people, numbers and messages, in the API's shapes. Times are relative to the start. */
import { randomUUID } from "node:crypto";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export const ago = (ms) => new Date(Date.now() - ms).toISOString();
export const ahead = (ms) => ago(-ms);
export const newId = () => randomUUID();

const user = (id, name, email, role) => ({
  id,
  name,
  email,
  role,
  active: true,
  online: true,
  password_is_initial: false,
});

export const USERS = {
  "ana@vitrine.test": user("u-ana", "Ana Ribeiro", "ana@vitrine.test", "supervisor"),
  "bruno@vitrine.test": user("u-bruno", "Bruno Costa", "bruno@vitrine.test", "vendor"),
};

export const system = {
  ai_paused: false,
  paused_by: null,
  paused_at: null,
  reason: null,
  sandbox: true,
  version: "0.1.0",
  model: { name: "claude-sonnet", rehearsal: true },
  pause_scope: "all",
  alerts: [],
};

export const invariants = [
  {
    name: "actor_silent",
    severity: "critical",
    holds: "Todos os atores da casa dão sinal de vida a cada poucos segundos.",
    remedy: "O Ray os reinicia sozinho; se continuarem calados, reinicie o Vitrine. Nada se perde.",
    of: "atores",
    violations: 0,
    ids: [],
    since: null,
    unchecked: null,
    checked_at: ago(MINUTE),
  },
];

export const numbers = [
  number("1001", "+55 11 98765-4321", { sent_last_minute: 12, open_threads: 31 }),
  number("1002", "+55 11 99999-0002", {
    health: "degraded",
    health_reason: "A Meta baixou a qualidade para amarela; só conversas em andamento saem por aqui",
    health_since: ago(40 * MINUTE),
    quality: "YELLOW",
    state: "draining",
    errors_last_hour: 7,
    traffic_classes: ["collections"],
  }),
];

function number(id, phone, rest) {
  return {
    phone_number_id: id,
    display_phone: phone,
    verified_name: "Mercante Sistemas",
    facade: { id: "f1", name: "Mercante" },
    traffic_classes: ["sales", "service"],
    state: "active",
    health: "healthy",
    health_reason: null,
    health_since: ago(5 * HOUR),
    quality: "GREEN",
    messaging_limit: "TIER_10K",
    mps: 80,
    sent_last_minute: 0,
    errors_last_hour: 0,
    open_threads: 4,
    quarantine_until: null,
    ...rest,
  };
}

let sequence = 0;

export function message(author, text, at, rest = {}) {
  sequence += 1;
  return {
    id: newId(),
    seq: sequence,
    direction: author === "contact" ? "inbound" : "outbound",
    author,
    operator: null,
    content: { kind: "text", body: text },
    text,
    status: author === "contact" ? "received" : "read",
    status_at: at,
    error: null,
    possible_duplicate: false,
    reply_to: null,
    turn_id: null,
    phone_number_id: "1001",
    at,
    ...rest,
  };
}

export function turn(inputs, reply, at, rest = {}) {
  return {
    id: newId(),
    state: "committed",
    started_at: at,
    finished_at: at,
    playbook: "receptivo v3",
    inputs: inputs.map(({ id }) => id),
    context: {
      lead: { nome: "Maria Souza", empresa: "Padaria Sol", cidade: "Belo Horizonte", cliente_desde: null },
      estado: { score: 0.45, consentimento: "granted", janela_aberta: true },
      produtos: [
        { sku: "BASICO", nome: "Plano Básico", preco_centavos: 9900 },
        { sku: "PRO", nome: "Plano Pro", preco_centavos: 24900 },
      ],
      historico: inputs.map(({ text }) => ({ autor: "cliente", texto: text })),
    },
    reply: {
      message: reply,
      qualification_score: 0.72,
      next_action: "continue",
      metadata: { intent: "preco" },
    },
    model_calls: [
      {
        model: "claude-sonnet",
        input_tokens: 412,
        output_tokens: 96,
        cache_read_tokens: 3180,
        cache_write_tokens: 0,
        latency_ms: 1340,
        stop_reason: "tool_use",
        cost_micros: 4020,
      },
      {
        model: "claude-sonnet",
        input_tokens: 530,
        output_tokens: 121,
        cache_read_tokens: 3592,
        cache_write_tokens: 220,
        latency_ms: 1210,
        stop_reason: "end_turn",
        cost_micros: 4400,
      },
    ],
    tools: [
      {
        name: "search_catalog",
        input: { query: "plano pro" },
        output: { items: [{ sku: "PRO", price_centavos: 24900 }] },
        ok: true,
        latency_ms: 18,
      },
    ],
    guardrails: [
      { rule: "money_has_source", verdict: "pass", detail: "R$ 249,00 vem de search_catalog" },
      { rule: "length", verdict: "pass", detail: null },
    ],
    tokens: { input: 942, output: 217, cache_read: 6772, cache_write: 220 },
    cost_usd_micros: 8420,
    latency_ms: { quiet: 1800, load: 12, model: 2550, tools: 18, commit: 9, total: 2589 },
    outcome: "answered",
    actor: { name: "conversations/2", node: "node-a", pid: 4121 },
    ...rest,
  };
}
