/** The conversations of a fictitious company: one scene for each thing worth looking at. */
import { ago, ahead, HOUR, MINUTE, message, newId, turn } from "./data.mjs";

function conversation(name, phone, rest) {
  const id = newId();
  return {
    id,
    contact: { id: newId(), name, phone, username: null },
    facade: { id: "f1", name: "Mercante" },
    mode: "agent",
    assignee: null,
    handoff: null,
    score: null,
    unread_count: 0,
    window_open_until: ahead(20 * HOUR),
    cost_brl_centavos: 4,
    cost_usd_micros: 8420,
    awaiting: "none",
    ai_paused: false,
    epoch: 0,
    version: 6,
    sticky_number: {
      phone_number_id: "1001",
      display_phone: "+55 11 98765-4321",
      reason: "É o número para o qual o cliente escreveu",
    },
    origin: { kind: "ad", headline: "Teste grátis por 14 dias", source_id: "120211" },
    consent: { state: "granted", at: ago(3 * HOUR), text_version: "consentimento v1" },
    handled_up_to: 0,
    case: { purpose: "sales", subject: null },
    messages: [],
    earlier_messages: false,
    turns: [],
    notes: [],
    timeline: [],
    actor: {
      name: "conversations/2",
      kind: "shared",
      node: "node-a",
      pid: 4121,
      mailbox: 0,
      epoch: 0,
      last_turn_at: ago(4 * MINUTE),
    },
    ...rest,
  };
}

function maria() {
  const consent = {
    kind: "buttons",
    body: "Aqui quem responde primeiro é uma assistente de IA. Pode ser?",
    buttons: [
      { id: "y", title: "Pode sim" },
      { id: "n", title: "Prefiro uma pessoa" },
    ],
  };
  const hello = message("contact", "Oi, quero saber do plano", ago(9 * MINUTE));
  const opening = [
    hello,
    message("system", consent.body, ago(8.9 * MINUTE), { content: consent }),
    message("contact", "Pode sim", ago(8.5 * MINUTE), {
      content: { kind: "button_reply", id: "y", title: "Pode sim", source: "interactive" },
    }),
  ];
  const greeting = "Oi, Maria! 👋 Temos o Básico e o Pro. Quantas pessoas vão usar?";
  const first = turn([hello], greeting, ago(8.2 * MINUTE), {
    reply: { message: greeting, qualification_score: 0.45, next_action: "continue", metadata: {} },
  });
  const greeted = message("agent", greeting, ago(8 * MINUTE), { turn_id: first.id });
  const ask = message("contact", "Somos 12 pessoas na padaria. Quanto fica o Pro?", ago(6 * MINUTE));
  const refused = turn([ask], "", ago(5.5 * MINUTE), {
    state: "superseded",
    reply: null,
    outcome: "superseded",
  });
  const price = "Para 12 pessoas o Plano Pro atende: R$ 249,00 por mês. Quer que eu agende uma demonstração?";
  const second = turn([ask], price, ago(5 * MINUTE));
  const answered = message("agent", price, ago(4.9 * MINUTE), {
    turn_id: second.id,
    status: "delivered",
    reply_to: ask.id,
  });
  return conversation("Maria Souza", "+55 31 99876-7777", {
    score: 0.72,
    unread_count: 2,
    messages: [...opening, greeted, ask, answered],
    turns: [first, refused, second],
    notes: [
      {
        id: newId(),
        author: "Ana Ribeiro",
        text: "Pediu proposta por e-mail na feira.",
        at: ago(7 * MINUTE),
      },
    ],
    timeline: [{ at: ago(8.4 * MINUTE), kind: "consent", text: "Consentimento dado", actor: null }],
    actor: {
      name: "conversation/0198c0de-77aa-7b1e-9c55-1b2c3d4e5f60",
      kind: "own",
      node: "node-a",
      pid: 4188,
      mailbox: 0,
      epoch: 0,
      last_turn_at: ago(5 * MINUTE),
    },
  });
}

function carlos() {
  const angry = message(
    "contact",
    "Já é a terceira vez que cobram errado. Quero falar com uma pessoa AGORA",
    ago(14 * MINUTE),
  );
  return conversation("Carlos Menezes", "+55 21 98811-2030", {
    score: 0.31,
    unread_count: 1,
    awaiting: "operator",
    window_open_until: ahead(70 * MINUTE),
    handoff: {
      id: newId(),
      reason: "Cliente zangado e pediu uma pessoa: cobrança em dobro",
      priority: "urgent",
      state: "queued",
      queued_at: ago(13 * MINUTE),
      position: 1,
    },
    messages: [
      angry,
      message(
        "agent",
        "Entendo, Carlos. Já chamei uma pessoa da equipe; você é o próximo da fila.",
        ago(13 * MINUTE),
        { status: "sent" },
      ),
    ],
  });
}

function patricia() {
  const before = message("contact", "Consegue 10% se eu fechar por um ano?", ago(50 * MINUTE));
  const reply = message("operator", "Oi, Patrícia! Consigo sim, mando a proposta hoje.", ago(44 * MINUTE), {
    operator: { id: "u-bruno", name: "Bruno Costa" },
  });
  return conversation("Patrícia Lima", "+55 41 99123-4455", {
    mode: "operator",
    assignee: { id: "u-bruno", name: "Bruno Costa" },
    score: 0.88,
    epoch: 2,
    cost_brl_centavos: 12,
    handled_up_to: reply.seq,
    messages: [
      before,
      message("agent", "Vou confirmar o desconto com o time.", ago(48 * MINUTE), { status: "withdrawn" }),
      reply,
      message("operator", "Segue a proposta.", ago(43 * MINUTE), {
        operator: { id: "u-bruno", name: "Bruno Costa" },
        content: { kind: "document", filename: "proposta-patricia.pdf" },
        status: "failed",
        error: {
          code: 131053,
          title: "Arquivo recusado",
          detail: "o tipo do arquivo não é aceito pela Meta",
        },
      }),
      message("operator", "O prazo é de dois dias.", ago(30 * MINUTE), {
        operator: { id: "u-bruno", name: "Bruno Costa" },
        status: "parked",
        error: {
          code: "unknown_outcome",
          title: "Não se sabe se ela chegou",
          detail: "A Meta não confirmou nem recusou. Confira com o cliente e decida.",
        },
      }),
      message("contact", "Recebi só o texto. E o prazo de entrega, qual é?", ago(20 * MINUTE)),
    ],
    timeline: [
      { at: ago(46 * MINUTE), kind: "conversation.takeover", text: "Bruno Costa assumiu", actor: null },
    ],
  });
}

const OTHERS = [
  [
    "Joana Prado",
    "+55 85 98700-1122",
    {
      awaiting: "consent",
      consent: { state: "asked", at: ago(2 * MINUTE), text_version: "consentimento v1" },
      cost_brl_centavos: 0,
      cost_usd_micros: 0,
    },
  ],
  ["Rafael Nogueira", "+55 11 97001-3344", { awaiting: "turn", score: 0.55 }],
  [
    "Estúdio Lótus",
    "+55 48 99955-8080",
    { score: 0.64, window_open_until: ago(HOUR), cost_brl_centavos: 0, cost_usd_micros: 310 },
  ],
  ["Tiago Brandão", "+55 62 98123-9090", { mode: "closed", score: 0.2 }],
  [null, "+55 71 99888-0007", { awaiting: "quiet" }],
];

export const conversations = [
  maria(),
  carlos(),
  patricia(),
  ...OTHERS.map(([name, phone, rest], index) =>
    conversation(name, phone, {
      messages: [message("contact", "Oi, tudo bem? Vi o anúncio de vocês.", ago((60 + index * 45) * MINUTE))],
      ...rest,
    }),
  ),
  ...Array.from({ length: 60 }, (_, index) =>
    conversation(`Cliente ${index + 1}`, `+55 11 9${7000 + index}-${1000 + index}`, {
      score: (index % 10) / 10,
      mode: index % 3 === 0 ? "closed" : "agent",
      messages: [message("contact", "Obrigado, vou pensar.", ago((6 + index) * HOUR))],
    }),
  ),
];
