import type { ReactNode } from "react";
import type { Conversation } from "@/api/types";
import { formatCost, formatScore, formatUsd } from "@/format/money";
import { formatAgo, formatFull, useNow } from "@/format/time";
import { purposeLabel, speakerOf } from "@/format/words";
import { SidePanel } from "@/ui/side-panel";
import panel from "@/ui/side-panel.module.css";

const CONSENT = {
  none: "ainda não pedido",
  asked: "pedido, sem resposta",
  granted: "dado",
  refused: "recusado",
  noticed: "avisado de que a IA atende",
};

const ORIGIN = { direct: "escreveu direto", ad: "anúncio", link: "link rastreado" };

export function DetailsPanel({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const now = useNow(10_000);
  const { actor, sticky_number: number, consent, origin } = conversation;
  return (
    <SidePanel title="Detalhes" onClose={onClose}>
      <Facts
        title="Conversa"
        rows={[
          ["Quem fala", speakerOf(conversation).label],
          ["Época / versão", `${conversation.epoch} / ${conversation.version}`],
          ["Score", conversation.score === null ? "—" : formatScore(conversation.score)],
          [
            "Custo",
            `${formatCost(conversation.cost_brl_centavos, conversation.cost_usd_micros)} (modelo ${formatUsd(conversation.cost_usd_micros)})`,
          ],
          [
            "Caso",
            conversation.case
              ? [purposeLabel(conversation.case.purpose), conversation.case.subject]
                  .filter(Boolean)
                  .join(": ")
              : "—",
          ],
          ["Fachada", conversation.facade?.name ?? "—"],
          ["Identificador", <code key="id">{conversation.id}</code>],
        ]}
      />
      <Facts
        title="Consentimento para IA"
        rows={[
          ["Estado", CONSENT[consent.state]],
          ["Quando", consent.at ? formatFull(consent.at) : "—"],
          ["Texto", consent.text_version ?? "—"],
        ]}
      />
      <Facts
        title="Número que envia"
        rows={
          number
            ? [
                ["Número", number.display_phone ?? number.phone_number_id],
                ["Por quê", number.reason],
              ]
            : [["Número", "escolhido no primeiro envio"]]
        }
      />
      <Facts
        title="Origem"
        rows={[
          ["Chegou por", origin ? ORIGIN[origin.kind] : "—"],
          ...Object.entries(origin ?? {})
            .filter(([key, value]) => key !== "kind" && value !== null)
            .map(([key, value]): Row => [key, typeof value === "string" ? value : JSON.stringify(value)]),
        ]}
      />
      <Facts
        title="Ator Ray"
        rows={
          actor
            ? [
                ["Nome", <code key="name">{actor.name}</code>],
                ["Tipo", actor.kind === "own" ? "próprio desta conversa" : "compartilhado"],
                ["Nó / pid", `${actor.node} / ${actor.pid}`],
                ["Caixa de entrada", String(actor.mailbox)],
                ["Época", String(actor.epoch)],
                ["Último turno", actor.last_turn_at ? formatAgo(actor.last_turn_at, now) : "—"],
              ]
            : [["Estado", "dormindo: acorda com a próxima mensagem"]]
        }
      />
    </SidePanel>
  );
}

type Row = [string, ReactNode];

function Facts({ title, rows }: { title: string; rows: Row[] }) {
  return (
    <section className={panel.section}>
      <h3>{title}</h3>
      <dl className={panel.facts}>
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
