import { Bot, CircleCheck, CircleX, Cpu } from "lucide-react";
import type { Conversation, Guardrail, ModelCall, ToolCall, Turn } from "@/api/types";
import { formatCount, formatScore, formatUsd } from "@/format/money";
import { formatClock, formatMs } from "@/format/time";
import { contentPreview, TURN_STATE } from "@/format/words";
import { WhatsAppText } from "@/screens/conversation/whatsapp-text";
import { Badge, type Tone } from "@/ui/badge";
import { SidePanel } from "@/ui/side-panel";
import panel from "@/ui/side-panel.module.css";
import { JsonView } from "./json-view";
import { LatencyBar } from "./latency-bar";
import styles from "./why.module.css";

const NEXT_ACTION: Record<string, string> = {
  continue: "continuar",
  handoff: "passar a uma pessoa",
  schedule: "agendar",
  wait: "esperar",
  close: "encerrar",
};

const STATE_TONE: Record<Turn["state"], Tone> = {
  running: "agent",
  committed: "good",
  superseded: "wait",
  fenced: "wait",
  failed: "bad",
};

interface Props {
  turn: Turn;
  conversation: Conversation;
  onClose: () => void;
}

/** Why the AI said what it said: what it read, what it was told, what it did, what it cost. */
export function WhyPanel({ turn, conversation, onClose }: Props) {
  const inputs = conversation.messages.filter(({ id }) => turn.inputs.includes(id));
  return (
    <SidePanel title="Por quê?" onClose={onClose}>
      <section className={panel.section}>
        <p className={styles.summary}>
          <Badge tone={STATE_TONE[turn.state]}>{TURN_STATE[turn.state]}</Badge>
          {turn.playbook && <Badge>{turn.playbook}</Badge>}
          {turn.outcome && OUTCOME[turn.outcome] && <Badge>{OUTCOME[turn.outcome]}</Badge>}
          <span>{formatUsd(turn.cost_usd_micros)}</span>
        </p>
        <LatencyBar latency={turn.latency_ms} />
      </section>

      <section className={panel.section}>
        <h3>O que o cliente escreveu</h3>
        <ul className={styles.inputs}>
          {inputs.map((message) => (
            <li key={message.id}>
              <time dateTime={message.at}>{formatClock(message.at)}</time>{" "}
              {contentPreview(message.content, message.text)}
            </li>
          ))}
          {inputs.length === 0 && (
            <li className={styles.soft}>Sem mensagem: turno iniciado por um evento.</li>
          )}
        </ul>
      </section>

      <Reply turn={turn} />
      <Tools tools={turn.tools} />
      <Guardrails guardrails={turn.guardrails} />
      <ModelCalls calls={turn.model_calls} />

      <section className={panel.section}>
        <h3>Contexto que a IA recebeu</h3>
        <JsonView value={turn.context} />
      </section>

      {turn.actor && (
        <section className={panel.section}>
          <h3>Onde rodou</h3>
          <p className={styles.actor}>
            <Cpu size={15} aria-hidden="true" />
            <code>{turn.actor.name}</code>
            <span className={styles.soft}>
              nó {turn.actor.node} · pid {turn.actor.pid}
            </span>
          </p>
        </section>
      )}
    </SidePanel>
  );
}

function Reply({ turn }: { turn: Turn }) {
  if (!turn.reply) return null;
  const { message, qualification_score: score, next_action: action, metadata } = turn.reply;
  return (
    <section className={panel.section}>
      <h3>Resposta</h3>
      <blockquote className={styles.reply}>
        <WhatsAppText text={message} />
      </blockquote>
      <p className={styles.summary}>
        {score !== null && <Badge tone="agent">score {formatScore(score)}</Badge>}
        <Badge tone="agent">próximo passo: {NEXT_ACTION[action] ?? action}</Badge>
      </p>
      {metadata != null && <JsonView value={metadata} label="metadados" />}
    </section>
  );
}

function Tools({ tools }: { tools: ToolCall[] }) {
  return (
    <section className={panel.section}>
      <h3>Ferramentas</h3>
      {tools.length === 0 && <p className={styles.soft}>Nenhuma foi usada.</p>}
      {tools.map((tool, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a turn's calls are ordered and never move
        <details key={index} className={styles.card}>
          <summary>
            {tool.ok ? (
              <CircleCheck size={15} className={styles.good} aria-label="deu certo" />
            ) : (
              <CircleX size={15} className={styles.bad} aria-label="falhou" />
            )}
            <code>{tool.name}</code>
            <span className={styles.soft}>{formatMs(tool.latency_ms)}</span>
          </summary>
          <JsonView value={tool.input} label="entrada" />
          <JsonView value={tool.output} label="saída" />
        </details>
      ))}
    </section>
  );
}

const VERDICT: Record<string, { tone: Tone; label: string }> = {
  pass: { tone: "good", label: "passou" },
  repair: { tone: "wait", label: "refeito" },
  block: { tone: "bad", label: "barrado" },
};

const OUTCOME: Record<string, string> = {
  answered: "respondeu",
  repaired: "respondeu após correção",
  approved_wording: "texto aprovado",
  notice: "aviso de indisponibilidade",
};

function Guardrails({ guardrails }: { guardrails: Guardrail[] }) {
  return (
    <section className={panel.section}>
      <h3>Proteções</h3>
      {guardrails.length === 0 && <p className={styles.soft}>Nenhuma registrada.</p>}
      <ul className={styles.inputs}>
        {guardrails.map((guard, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a turn's verdicts are ordered and never move
          <li key={index} className={styles.guard}>
            <Badge tone={VERDICT[guard.verdict]?.tone ?? "neutral"}>
              {VERDICT[guard.verdict]?.label ?? guard.verdict}
            </Badge>
            <span>
              {guard.rule === "all" ? "todas as regras" : <code>{guard.rule}</code>}
              {guard.detail && <span className={styles.soft}> {guard.detail}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function ModelCalls({ calls }: { calls: ModelCall[] }) {
  return (
    <section className={panel.section}>
      <h3>Chamadas ao modelo</h3>
      {calls.length === 0 && <p className={styles.soft}>Nenhuma: resposta fixa aprovada.</p>}
      {calls.map((call, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a turn's calls are ordered and never move
        <div key={index} className={styles.card}>
          <p className={styles.actor}>
            <Bot size={15} aria-hidden="true" />
            <code>{call.model}</code>
            <span className={styles.soft}>
              {formatMs(call.latency_ms)}
              {call.stop_reason && ` · ${call.stop_reason}`}
              {call.cost_micros > 0 && ` · ${formatUsd(call.cost_micros)}`}
            </span>
          </p>
          <dl className={styles.tokens}>
            <Tokens label="entrada" value={call.input_tokens} />
            <Tokens label="lidos do cache" value={call.cache_read_tokens} />
            <Tokens label="gravados no cache" value={call.cache_write_tokens} />
            <Tokens label="saída" value={call.output_tokens} />
          </dl>
          {call.error && <p className={styles.bad}>{call.error}</p>}
        </div>
      ))}
    </section>
  );
}

function Tokens({ label, value }: { label: string; value: number }) {
  return (
    <div>
      <dd>{formatCount(value)}</dd>
      <dt>{label}</dt>
    </div>
  );
}
