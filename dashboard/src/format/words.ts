import type { Content } from "@/api/content";
import type { TraceStage } from "@/api/feed-events";
import type {
  Author,
  Awaiting,
  ConversationItem,
  LatencyStage,
  Message,
  MessageStatus,
  NumberHealth,
  PhoneNumber,
  Priority,
  RayActor,
  Role,
  SendError,
  TurnState,
} from "@/api/types";

export const ROLE: Record<Role, string> = { supervisor: "Supervisor", vendor: "Vendas", agent: "Suporte" };

export const PRIORITY: Record<Priority, string> = {
  low: "baixa",
  normal: "normal",
  high: "alta",
  urgent: "urgente",
};

export const STATUS: Record<MessageStatus, string> = {
  received: "Recebida",
  queued: "Na fila de envio",
  accepted: "Aceita pela Meta",
  sent: "Enviada",
  delivered: "Entregue",
  read: "Lida",
  played: "Ouvida",
  failed: "Não entregue",
  withdrawn: "Retirada antes de sair",
  unknown: "Sem confirmação da Meta ainda",
  parked: "Parada: espera a decisão de uma pessoa",
};

export const TURN_STATE: Record<TurnState, string> = {
  running: "em andamento",
  committed: "concluído",
  superseded: "refeito: chegou algo novo",
  fenced: "barrado: uma pessoa assumiu",
  failed: "falhou",
};

export const LATENCY: Record<Exclude<LatencyStage, "total">, string> = {
  quiet: "espera o cliente terminar",
  load: "carrega contexto",
  model: "modelo",
  tools: "ferramentas",
  commit: "grava",
};

export const HEALTH: Record<NumberHealth, string> = {
  healthy: "saudável",
  degraded: "degradado",
  paused: "pausado pela Meta",
  banned: "banido",
};

export const NUMBER_STATE: Record<PhoneNumber["state"], string> = {
  active: "ativo",
  draining: "esvaziando",
  quarantined: "em quarentena",
  disabled: "desligado",
};

const PURPOSE: Record<string, string> = {
  sales: "vendas",
  collection: "cobrança",
  collections: "cobrança",
  repurchase: "recompra",
  renewal: "renovação",
  service: "atendimento",
};

/** A traffic class or a case's purpose. */
export const purposeLabel = (purpose: string): string => PURPOSE[purpose] ?? purpose;

/** Meta's tiers (`TIER_10K`) as a figure of new contacts a day. */
export function messagingLimit(limit: string | null): string {
  if (limit === null) return "—";
  const tier = limit.replace(/^TIER_/, "");
  return tier === "UNLIMITED" ? "sem limite" : tier.replace(/K$/, " mil");
}

export const ACTOR_KIND: Record<RayActor["kind"], string> = {
  own: "próprio",
  shared: "compartilhado",
  number_pool: "números",
  sender: "envio",
  clock: "relógio",
  api: "API",
  webhook: "porta da Meta",
};

export const TRACE: Record<TraceStage, string> = {
  "webhook.received": "mensagem chegou da Meta",
  "inbox.stored": "mensagem guardada",
  "doorbell.rung": "acordando o ator",
  "actor.activated": "ator acordado",
  "quiet.waiting": "esperando o cliente terminar de escrever",
  "turn.started": "lendo a conversa",
  "model.called": "pensando…",
  "model.answered": "conferindo a resposta",
  "tool.called": "consultando uma ferramenta",
  "turn.committed": "resposta pronta",
  "number.chosen": "escolhendo o número",
  "send.claimed": "enviando",
  "send.posted": "enviada à Meta",
  "status.sent": "enviada",
  "status.delivered": "entregue",
  "status.read": "lida",
  "status.failed": "não entregue",
  "turn.superseded": "refazendo: chegou algo novo",
  "turn.fenced": "resposta barrada: uma pessoa assumiu",
  "send.loop_cap": "não enviada: limite de mensagens da IA",
  "send.window_closed": "não enviada: janela de 24 h fechada",
  "send.not_noticed": "não enviada: o aviso de IA não saiu",
  "send.decision_expired": "não enviada: a autorização venceu",
  "human.took_over": "uma pessoa assumiu",
};

const AWAITING: Record<Awaiting, string | null> = {
  none: null,
  quiet: "cliente digitando…",
  turn: "IA pensando…",
  sending: "enviando…",
  operator: "espera uma pessoa",
  consent: "espera o consentimento",
};

export const awaitingLabel = (awaiting: Awaiting): string | null => AWAITING[awaiting];

export type Speaker = "agent" | "operator" | "queue" | "consent" | "muted" | "closed";

/** Who answers this conversation now. */
export function speakerOf(item: ConversationItem): { kind: Speaker; label: string } {
  if (item.mode === "closed") return { kind: "closed", label: "Encerrada" };
  if (item.mode === "muted") return { kind: "muted", label: "Silenciada" };
  if (item.mode === "operator") return { kind: "operator", label: item.assignee?.name ?? "Pessoa" };
  if (item.handoff) return { kind: "queue", label: queueLabel(item.handoff.position) };
  if (item.awaiting === "consent") return { kind: "consent", label: "Consentimento" };
  return { kind: "agent", label: item.ai_paused ? "IA pausada" : "IA" };
}

const queueLabel = (position: number | null | undefined): string =>
  position ? `Na fila · ${position}º` : "Na fila";

export function authorLabel(message: Pick<Message, "author" | "operator">, contactName: string): string {
  const labels: Record<Author, string> = {
    contact: contactName,
    agent: "IA",
    operator: message.operator?.name ?? "Pessoa",
    system: "Sistema",
  };
  return labels[message.author];
}

export const contactName = (item: Pick<ConversationItem, "contact">): string =>
  item.contact.name ??
  item.contact.phone ??
  (item.contact.username ? `@${item.contact.username}` : "Sem nome");

export function errorWords(error: SendError | null): string | null {
  if (error === null) return null;
  const words = [error.title, error.detail].filter(Boolean).join(". ");
  return typeof error.code === "number" ? `${words} (código ${error.code})` : words;
}

const MEDIA: Record<string, string> = {
  image: "Foto",
  video: "Vídeo",
  audio: "Áudio",
  document: "Documento",
  sticker: "Figurinha",
};

/** A message as one line of text, for quotes and notices. */
export function contentPreview(content: Content, text: string | null): string {
  if (text) return text;
  switch (content.kind) {
    case "text":
    case "buttons":
    case "list":
    case "cta_url":
      return content.body;
    case "location":
      return content.name ?? "Localização";
    case "reaction":
      return content.emoji ?? "Reação retirada";
    case "template":
      return content.preview ?? `Modelo ${content.name}`;
    case "button_reply":
    case "list_reply":
      return content.title;
    case "contacts":
      return "Contato";
    case "order":
      return "Pedido";
    case "revoke":
      return "Mensagem apagada";
    case "system":
      return content.body ?? "Aviso do WhatsApp";
    case "edit":
      return contentPreview(content.content, null);
    default:
      return MEDIA[content.kind] ?? "Mensagem de um tipo ainda não mostrado";
  }
}
