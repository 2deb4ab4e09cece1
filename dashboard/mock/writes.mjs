/** What the writes do to the mock's records. Each returns [status, body]. */

import { ago, message, newId, numbers, system, turn, USERS } from "./data.mjs";
import { publish } from "./feed.mjs";
import { conversations } from "./scenes.mjs";
import { item, mayReadConversation } from "./views.mjs";

const SUPERVISOR = { role: "supervisor" };

export const problem = (status, title, detail) => [status, { type: "about:blank", status, title, detail }];

function announce(conversation) {
  publish("conversation", { conversation: item(conversation, SUPERVISOR) });
}

function add(conversation, written) {
  conversation.messages.push(written);
  publish("message", { conversation_id: conversation.id, message: written });
  announce(conversation);
}

function progress(conversation, written, statuses) {
  statuses.forEach((status, index) => {
    setTimeout(
      () => {
        Object.assign(written, { status, status_at: ago(0) });
        publish("message", { conversation_id: conversation.id, message: written });
      },
      500 * (index + 1),
    );
  });
}

function takeOver(conversation, user) {
  conversation.mode = "operator";
  conversation.assignee = { id: user.id, name: user.name };
  conversation.handoff = null;
  conversation.awaiting = "none";
  conversation.epoch += 1;
  conversation.timeline.push({ at: ago(0), kind: "takeover", text: `${user.name} assumiu`, actor: null });
}

const ACTIONS = {
  takeover(conversation, user) {
    const inFlight = conversation.messages.filter(
      ({ author, status }) => author === "agent" && status === "sent",
    );
    takeOver(conversation, user);
    announce(conversation);
    return [
      200,
      {
        epoch: conversation.epoch,
        in_flight: inFlight.map(({ id }) => id),
        handled_up_to: conversation.handled_up_to,
      },
    ];
  },
  handback(conversation, user) {
    conversation.mode = "agent";
    conversation.assignee = null;
    conversation.epoch += 1;
    conversation.timeline.push({
      at: ago(0),
      kind: "handback",
      text: `${user.name} devolveu à IA`,
      actor: null,
    });
    announce(conversation);
    return [200, { epoch: conversation.epoch }];
  },
  mute(conversation) {
    conversation.mode = "muted";
    conversation.epoch += 1;
    announce(conversation);
    return [200, { epoch: conversation.epoch, in_flight: [], handled_up_to: conversation.handled_up_to }];
  },
  read(conversation) {
    if (conversation.unread_count > 0) {
      conversation.unread_count = 0;
      announce(conversation);
    }
    return [200, { ok: true }];
  },
  assign(conversation, _user, { operator_id: id }) {
    const to = Object.values(USERS).find((row) => row.id === id);
    if (!to) return missing();
    takeOver(conversation, to);
    announce(conversation);
    return [200, { epoch: conversation.epoch, in_flight: [], handled_up_to: conversation.handled_up_to }];
  },
  qualify(conversation, _user, { score }) {
    conversation.score = score;
    announce(conversation);
    return [200, { ok: true }];
  },
  schedule(conversation, _user, { subject }) {
    conversation.timeline.push({
      at: ago(0),
      kind: "call.scheduled",
      text: `Contato agendado: ${subject}`,
      actor: null,
    });
    announce(conversation);
    return [200, { ok: true }];
  },
  close(conversation, user, { reason }) {
    conversation.mode = "closed";
    conversation.timeline.push({
      at: ago(0),
      kind: "close",
      text: `${user.name} encerrou${reason ? `: ${reason}` : ""}`,
      actor: null,
    });
    announce(conversation);
    return [200, {}];
  },
  notes(conversation, user, { text }) {
    conversation.notes.push({ id: newId(), author: user.name, text, at: ago(0) });
    return [201, {}];
  },
  whisper(conversation, user, { text }) {
    conversation.timeline.push({
      at: ago(0),
      kind: "whisper",
      text: `${user.name} sussurrou à IA: ${text}`,
      actor: null,
    });
    return [202, {}];
  },
};

function find(id, user) {
  return conversations.find((row) => row.id === id && mayReadConversation(user, row));
}

const missing = () => problem(404, "Conversa não encontrada", "Ela não existe ou não está com você.");

export function act(id, action, user, body) {
  const conversation = find(id, user);
  const perform = ACTIONS[action];
  return conversation && perform ? perform(conversation, user, body) : missing();
}

/** A person decides about a parked message. */
export function decide(id, action, user) {
  for (const conversation of conversations) {
    const found = conversation.messages.find((row) => row.id === id);
    if (!found || !mayReadConversation(user, conversation)) continue;
    if (found.status !== "parked") return problem(409, "Conflito com o estado atual", "Já foi decidido.");
    Object.assign(found, { status: action === "resend" ? "queued" : "delivered", error: null });
    publish("message", { conversation_id: conversation.id, message: found });
    if (action === "resend") progress(conversation, found, ["accepted", "sent"]);
    return [200, { ok: true }];
  }
  return missing();
}

export function addUser({ name, email, role }) {
  const added = { id: newId(), name, email, role, active: true, online: false, password_is_initial: true };
  USERS[email] = added;
  return [201, added];
}

export function changeUser(id, change) {
  const found = Object.values(USERS).find((row) => row.id === id);
  if (!found) return problem(404, "Não encontrado", null);
  return [200, Object.assign(found, change)];
}

export const changePassword = (_user, { current_password: current }) =>
  current === "vitrine" ? [200, { ok: true }] : problem(422, "Dados inválidos", "a senha atual não confere");

export function send(user, body) {
  const conversation = find(body.conversation_id, user);
  if (!conversation) return missing();
  if (body.text.length > 4096)
    return problem(422, "Mensagem longa demais", "O WhatsApp aceita até 4096 caracteres.");
  if (conversation.mode !== "operator") takeOver(conversation, user);
  const written = message("operator", body.text, ago(0), {
    operator: { id: user.id, name: user.name },
    status: "queued",
  });
  conversation.handled_up_to = written.seq;
  add(conversation, written);
  progress(conversation, written, ["accepted", "sent", "delivered", "read"]);
  return [202, { message_id: written.id, epoch: conversation.epoch, in_flight: [] }];
}

export function escalate(user, { conversation_id: id, reason, priority }) {
  const conversation = find(id, user);
  if (!conversation) return missing();
  conversation.mode = "agent";
  conversation.handoff = { id: newId(), reason, priority, state: "queued", queued_at: ago(0), position: 2 };
  conversation.awaiting = "operator";
  announce(conversation);
  return [201, { handoff_id: conversation.handoff.id }];
}

export function pause(user, { reason }) {
  Object.assign(system, {
    ai_paused: true,
    paused_by: user.name,
    paused_at: ago(0),
    reason,
  });
  publish("system", { ai_paused: true });
  return [200, system];
}

export function resume() {
  Object.assign(system, { ai_paused: false, paused_by: null, paused_at: null, reason: null });
  publish("system", { ai_paused: false });
  return [200, system];
}

export function changeNumber(id, state) {
  const number = numbers.find((row) => row.phone_number_id === id);
  if (!number) return problem(404, "Número não encontrado", null);
  number.state = state;
  return [200, number];
}

/** A customer writes and the AI answers, stage by stage; `POST /mock/customer {conversation_id?, text}`. */
export function customerWrites({ conversation_id: id, text }) {
  const conversation = conversations.find((row) => row.id === id) ?? conversations[0];
  const asked = message("contact", text, ago(0));
  conversation.unread_count += 1;
  add(conversation, asked);
  if (conversation.mode === "agent" && !system.ai_paused) answer(conversation, asked);
  return [202, { message_id: asked.id }];
}

function answer(conversation, asked) {
  const epoch = conversation.epoch;
  const worked = turn([asked], `Sobre “${asked.text}”: o Plano Pro custa R$ 249,00 por mês.`, ago(0));
  const trace = (stage, details = {}) =>
    publish("trace", {
      conversation_id: conversation.id,
      turn_id: worked.id,
      stage,
      at: ago(0),
      ms: null,
      detail: details,
    });
  const steps = [
    ["quiet.waiting", { due_at: ago(-2_000) }],
    ["turn.started"],
    ["model.called"],
    ["tool.called", { name: "search_catalog" }],
    ["model.answered"],
  ];
  conversation.awaiting = "turn";
  announce(conversation);
  steps.forEach(([stage, details], index) => {
    setTimeout(() => trace(stage, details), index * 1_000);
  });
  setTimeout(() => {
    const fenced = conversation.epoch !== epoch;
    conversation.awaiting = "none";
    conversation.turns.push(fenced ? { ...worked, state: "fenced", outcome: "fenced" } : worked);
    if (!fenced) {
      const reply = message("agent", worked.reply.message, ago(0), {
        turn_id: worked.id,
        status: "accepted",
      });
      add(conversation, reply);
      progress(conversation, reply, ["sent", "delivered", "read"]);
    }
    trace(fenced ? "turn.fenced" : "send.posted", {});
    announce(conversation);
  }, steps.length * 1_000);
}
