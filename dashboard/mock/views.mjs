/** From the mock's records to what the API answers. */
import { ago } from "./data.mjs";
import { conversations } from "./scenes.mjs";

const DETAIL_ONLY = new Set([
  "epoch",
  "version",
  "sticky_number",
  "origin",
  "consent",
  "handled_up_to",
  "pending",
  "case",
  "messages",
  "earlier_messages",
  "turns",
  "notes",
  "timeline",
  "actor",
]);

const mask = (phone) => phone.replace(/\d{4,5}(?=-)/, "•••••");

export function mayReadConversation(user, conversation) {
  return user.role === "supervisor" || conversation.assignee?.id === user.id;
}

export function detail(conversation, user) {
  const last = conversation.messages.at(-1);
  const answered = conversation.messages.findLast(
    ({ author, status }) =>
      (author === "operator" || author === "agent") && status !== "withdrawn" && status !== "failed",
  );
  const pending = conversation.messages.filter(
    ({ author, seq }) => author === "contact" && seq > (answered?.seq ?? 0),
  );
  const { contact } = conversation;
  return {
    ...conversation,
    contact: user.role === "supervisor" ? contact : { ...contact, phone: mask(contact.phone) },
    last_message: last
      ? { text: last.text, author: last.author, direction: last.direction, status: last.status, at: last.at }
      : null,
    updated_at: last?.at ?? ago(0),
    pending: pending.map(({ id }) => id),
  };
}

export function item(conversation, user) {
  return Object.fromEntries(
    Object.entries(detail(conversation, user)).filter(([key]) => !DETAIL_ONLY.has(key)),
  );
}

const PAGE = 20;

export function listPage(user, params) {
  const q = (params.get("q") ?? "").toLowerCase();
  const rows = conversations
    .filter((row) => mayReadConversation(user, row))
    .filter((row) => !params.get("mode") || row.mode === params.get("mode"))
    .filter(
      (row) => !params.get("queue") || (row.handoff && row.mode !== "operator" && row.mode !== "closed"),
    )
    .filter((row) => !q || textOf(row).includes(q))
    .map((row) => item(row, user))
    .sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
  const from = Number(params.get("cursor") ?? 0);
  const next = from + PAGE;
  return { items: rows.slice(from, next), next_cursor: next < rows.length ? String(next) : null };
}

function textOf(row) {
  return [row.contact.name, row.contact.phone, ...row.messages.map(({ text }) => text)]
    .join(" ")
    .toLowerCase();
}

export function actors() {
  const resident = (row) => ({
    id: row.id,
    mailbox: row.actor.mailbox,
    epoch: row.epoch,
    last_turn_at: row.actor.last_turn_at,
    state: row.awaiting === "turn" ? "em turno" : "ocioso",
  });
  const own = conversations.filter((row) => row.actor.kind === "own");
  const shared = conversations.filter((row) => row.actor.kind === "shared").slice(0, 9);
  const actor = (name, kind, rows, memory, index) => ({
    name,
    kind,
    actor_id: `a${index}`,
    node: "node-a",
    pid: 4100 + index * 7,
    resident: rows.length,
    conversations: rows.map(resident),
    memory_bytes: memory * 1024 * 1024,
    started_at: ago(3_600_000),
    heartbeat_at: ago(2_000),
  });
  return [
    ...own.map((row, index) => actor(row.actor.name, "own", [row], 51, index)),
    actor("conversations/0", "shared", shared.slice(0, 3), 74, 10),
    actor("conversations/2", "shared", shared.slice(3), 78, 11),
    actor("number_pool", "number_pool", [], 49, 12),
    actor("sender", "sender", [], 55, 13),
    actor("clock", "clock", [], 47, 14),
  ];
}

export const metrics = () => ({
  conversations_by_mode: { agent: 45, operator: 1, muted: 0, closed: 21 },
  turns_today: { total: 215, committed: 190, superseded: 22, fenced: 3, failed: 0 },
  latency_ms: { median: 2900, p95: 5200 },
  tokens_today: { input: 812_000, output: 24_100, cache_read: 2_655_000, cache_write: 31_000 },
  cost_today: { usd_micros: 3_410_000, brl_centavos: 1840 },
  queue: { length: 1, oldest_s: 780 },
  outbox_by_state: { queued: 0, claimed: 1, accepted: 298 },
  inbox: { unworked_age_s: 0.4, unresolved: 0 },
  errors: { sends_last_hour: 1, turns_today: 0 },
  ai_paused: false,
  since: ago(43_200_000),
});
