import { formatCost, formatDecimal, formatScore, formatUsd } from "@/format/money";
import { formatMs } from "@/format/time";

export interface MetricGroup {
  key: string;
  title: string;
  figures: { key: string; label: string; value: string }[];
}

const TITLES: Record<string, string> = {
  conversations: "Conversas",
  turns: "Turnos da IA",
  messages: "Mensagens",
  costs: "Custo",
  cost: "Custo",
  model: "Modelo",
  tokens: "Tokens",
  outbox: "Envio",
  inbox: "Recebimento",
  numbers: "Números",
  handoffs: "Fila de pessoas",
  actors: "Atores",
  latency: "Tempos",
};

const WORDS: Record<string, string> = {
  total: "total",
  open: "abertas",
  agent: "com a IA",
  operator: "com pessoas",
  queued: "na fila",
  muted: "silenciadas",
  closed: "encerradas",
  today: "hoje",
  pending: "pendentes",
  sent: "enviadas",
  delivered: "entregues",
  read: "lidas",
  failed: "falhas",
  received: "recebidas",
  committed: "concluídos",
  superseded: "refeitos",
  fenced: "barrados",
  resident: "acordadas",
  waiting: "esperando",
};

/** Two levels deep, whatever the API reports: known names in Portuguese, others as they come. */
export function groupMetrics(metrics: Record<string, unknown>): MetricGroup[] {
  const general: MetricGroup = { key: "general", title: "Geral", figures: [] };
  const groups: MetricGroup[] = [];
  for (const [key, value] of Object.entries(metrics)) {
    if (isRecord(value)) {
      const figures = figuresOf(value, "");
      if (figures.length > 0) groups.push({ key, title: TITLES[key] ?? words(key), figures });
    } else if (isShown(value)) {
      general.figures.push({ key, label: words(key), value: show(key, value) });
    }
  }
  return general.figures.length > 0 ? [general, ...groups] : groups;
}

function figuresOf(record: Record<string, unknown>, prefix: string): MetricGroup["figures"] {
  return Object.entries(record).flatMap(([key, value]) => {
    const path = prefix ? `${prefix} ${key}` : key;
    if (isRecord(value)) return figuresOf(value, path);
    return isShown(value) ? [{ key: path, label: words(path), value: show(key, value) }] : [];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isShown = (value: unknown): value is number | string =>
  typeof value === "number" || typeof value === "string";

function words(key: string): string {
  const plain = key.replace(/_(usd_micros|brl_centavos|ms|ratio)$/, "");
  return WORDS[plain] ?? plain.replaceAll("_", " ");
}

function show(key: string, value: number | string): string {
  if (typeof value === "string") return value;
  if (key.endsWith("usd_micros")) return formatUsd(value);
  if (key.endsWith("centavos")) return formatCost(value, 0);
  if (key.endsWith("_ms")) return formatMs(value);
  if (key.endsWith("_ratio") || key.endsWith("_rate")) return formatScore(value);
  return formatDecimal(value);
}
