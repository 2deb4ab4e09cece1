import { ArrowLeft, Hand, Info, Undo2 } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { takeOver } from "@/api/endpoints";
import type { Conversation, TakeoverResult } from "@/api/types";
import { formatCost, formatScore } from "@/format/money";
import { serviceWindow, useNow } from "@/format/time";
import { contactName, PRIORITY, speakerOf } from "@/format/words";
import { Avatar } from "@/ui/avatar";
import { Button, IconButton } from "@/ui/button";
import styles from "./conversation.module.css";
import { HandbackDialog } from "./handback-dialog";
import { HeaderMenu } from "./header-menu";
import { useConversationAction } from "./use-conversation";

interface Props {
  conversation: Conversation;
  onTakenOver: (result: TakeoverResult | null) => void;
  onDetails: () => void;
}

export function Header({ conversation, onTakenOver, onDetails }: Props) {
  const [params] = useSearchParams();
  const [isHandingBack, setHandingBack] = useState(false);
  const takeover = useConversationAction(conversation.id, () => takeOver(conversation.id), null);
  const name = contactName(conversation);
  return (
    <header className={styles.header}>
      <div className={styles.headerTop}>
        <Link
          className={styles.back}
          to={{ pathname: "/conversas", search: params.toString() }}
          aria-label="Voltar à lista"
        >
          <ArrowLeft size={20} />
        </Link>
        <Avatar id={conversation.contact.id} name={name} />
        <div className={styles.who}>
          <h2>{name}</h2>
          <p>{conversation.contact.phone ?? conversation.contact.username}</p>
        </div>
        <div className={styles.actions}>
          {(conversation.mode === "operator" || conversation.mode === "muted") && (
            <Button onClick={() => setHandingBack(true)}>
              <Undo2 size={16} aria-hidden="true" /> Devolver à IA
            </Button>
          )}
          {conversation.mode !== "operator" && (
            <Button
              tone="primary"
              disabled={takeover.isPending}
              onClick={() => takeover.mutate(undefined, { onSuccess: onTakenOver })}
            >
              <Hand size={16} aria-hidden="true" /> {takeover.isPending ? "Assumindo…" : "Assumir"}
            </Button>
          )}
          <IconButton label="Detalhes da conversa" onClick={onDetails}>
            <Info size={18} />
          </IconButton>
          <HeaderMenu conversation={conversation} />
        </div>
      </div>
      <Facts conversation={conversation} />
      {conversation.handoff && conversation.mode !== "closed" && (
        <p className={styles.handoff}>
          <strong>Pedido de pessoa, prioridade {PRIORITY[conversation.handoff.priority]}:</strong>{" "}
          {conversation.handoff.reason}
        </p>
      )}
      {isHandingBack && (
        <HandbackDialog
          open
          onOpenChange={setHandingBack}
          conversation={conversation}
          onDone={() => onTakenOver(null)}
        />
      )}
    </header>
  );
}

function Facts({ conversation }: { conversation: Conversation }) {
  const now = useNow(30_000);
  const window = serviceWindow(conversation.window_open_until, now);
  const facts: [string, string][] = [
    ["Fala", speakerOf(conversation).label],
    ["Época", String(conversation.epoch)],
    ["Score", conversation.score === null ? "—" : formatScore(conversation.score)],
    ["Custo", formatCost(conversation.cost_brl_centavos, conversation.cost_usd_micros)],
    ["Janela", window.label],
  ];
  if (conversation.actor)
    facts.push(["Ator", `${shortActor(conversation.actor.name)} · pid ${conversation.actor.pid}`]);
  return (
    <dl className={styles.facts}>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** `conversation/0198c0de-…-4e1f` as `conversation/…4e1f`. */
function shortActor(name: string): string {
  const [kind, id = ""] = name.split("/");
  return id.length > 12 ? `${kind}/…${id.slice(-4)}` : name;
}
