import { formatCost, formatDecimal, formatUsd } from "@/format/money";
import { formatFull, formatMs } from "@/format/time";

export interface MetricGroup {
  key: string;
  title: string;
  figures: { key: string; label: string; value: string }[];
}

const TITLES: Record<string, string> = {
  conversations_by_mode: "Conversas",
  turns_today: "Turnos da IA hoje",
  latency_ms: "Tempo de um turno hoje",
  tokens_today: "Tokens hoje",
  cost_today: "Custo do modelo hoje",
  queue: "Fila de pessoas",
  outbox_by_state: "Envio",
  inbox: "Recebimento",
  invariants: "Verificações",
  errors: "Erros",
  webhook_requests: "Chamadas da Meta, por resposta",
  webhook_items: "Novidades da Meta, por tipo",
  over_budget: "Turnos sem verba, com pessoas",
  numbers_by_health: "Números",
  accounts_by_standing: "Contas na Meta",
};

const WORDS: Record<string, string> = {
  total: "total",
  agent: "com a IA",
  operator: "com pessoas",
  muted: "silenciadas",
  closed: "encerradas",
  committed: "concluídos",
  superseded: "refeitos",
  fenced: "barrados",
  failed: "falhas",
  median: "mediana",
  p95: "95% até",
  input: "entrada",
  output: "saída",
  cache_read: "lidos do cache",
  cache_write: "gravados no cache",
  brl_centavos: "em reais",
  usd_micros: "em dólares",
  length: "esperando",
  oldest: "espera mais longa",
  queued: "na fila",
  claimed: "saindo",
  accepted: "aceitas",
  unknown: "sem confirmação",
  parked: "paradas",
  withdrawn: "retiradas",
  unworked_age: "mais antiga sem tratar",
  unresolved: "sem conversa",
  sends_last_hour: "envios na última hora",
  turns_today: "turnos hoje",
  possible_duplicates_today: "talvez em dobro hoje",
  message: "mensagens",
  status: "confirmações",
  account: "avisos da conta",
  number: "avisos de números",
  template: "avisos de modelos",
  conversation: "da conversa",
  day: "do dia",
  healthy: "saudáveis",
  degraded: "degradados",
  paused: "parados",
  banned: "banidos",
  good: "em ordem",
  restricted: "restritas",
  disabled: "desativadas",
  violated: "não valem",
  unchecked: "sem resposta",
  age: "última há",
  since: "desde",
};

/** Whatever the API reports, a level of groups deep: known names in Portuguese, others as they come. */
export function groupMetrics(metrics: Record<string, unknown>): MetricGroup[] {
  const general: MetricGroup = { key: "general", title: "Geral", figures: [] };
  const groups: MetricGroup[] = [];
  for (const [key, value] of Object.entries(metrics)) {
    if (isRecord(value)) {
      const figures = figuresOf(value, key);
      if (figures.length > 0) groups.push({ key, title: TITLES[key] ?? words(key), figures });
    } else if (isShown(value)) {
      general.figures.push({ key, label: words(key), value: show(key, value) });
    }
  }
  return general.figures.length > 0 ? [general, ...groups] : groups;
}

/** A group named by its unit (`latency_ms`) gives the unit to its figures. */
function figuresOf(record: Record<string, unknown>, group: string): MetricGroup["figures"] {
  const unit = group.endsWith("_ms") ? "_ms" : "";
  return Object.entries(record).flatMap(([key, value]) =>
    isShown(value) ? [{ key, label: words(key), value: show(key + unit, value) }] : [],
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isShown = (value: unknown): value is number | string =>
  typeof value === "number" || typeof value === "string";

function words(key: string): string {
  const plain = key.replace(/_(ms|s)$/, "");
  return WORDS[key] ?? WORDS[plain] ?? plain.replaceAll("_", " ");
}

function show(key: string, value: number | string): string {
  if (typeof value === "string") return Number.isNaN(Date.parse(value)) ? value : formatFull(value);
  if (key.endsWith("usd_micros")) return formatUsd(value);
  if (key.endsWith("centavos")) return formatCost(value, 0);
  if (key.endsWith("_ms")) return formatMs(value);
  if (key.endsWith("_s")) return formatMs(value * 1_000);
  return formatDecimal(value);
}
