import * as Menu from "@radix-ui/react-dropdown-menu";
import { ArrowLeft, ArrowUpFromLine, Ellipsis, Hand, Info, Undo2, X } from "lucide-react";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";
import { takeOver } from "@/api/endpoints";
import type { Conversation, TakeoverResult } from "@/api/types";
import { formatCost, formatScore } from "@/format/money";
import { serviceWindow, useNow } from "@/format/time";
import { contactName, PRIORITY, speakerOf } from "@/format/words";
import { Avatar } from "@/ui/avatar";
import { Button, IconButton } from "@/ui/button";
import menuStyles from "@/ui/menu.module.css";
import { CloseDialog } from "./close-dialog";
import styles from "./conversation.module.css";
import { EscalateDialog } from "./escalate-dialog";
import { HandbackDialog } from "./handback-dialog";
import { useConversationAction } from "./use-conversation";

interface Props {
  conversation: Conversation;
  onTakenOver: (result: TakeoverResult | null) => void;
  onDetails: () => void;
}

type OpenDialog = "handback" | "close" | "escalate" | null;

export function Header({ conversation, onTakenOver, onDetails }: Props) {
  const [params] = useSearchParams();
  const [dialog, setDialog] = useState<OpenDialog>(null);
  const takeover = useConversationAction(conversation.id, () => takeOver(conversation.id), null);
  const name = contactName(conversation);
  const closeDialog = () => setDialog(null);
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
          {conversation.mode === "operator" ? (
            <Button onClick={() => setDialog("handback")}>
              <Undo2 size={16} aria-hidden="true" /> Devolver à IA
            </Button>
          ) : (
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
          <Menu.Root>
            <Menu.Trigger asChild>
              <IconButton label="Mais ações">
                <Ellipsis size={18} />
              </IconButton>
            </Menu.Trigger>
            <Menu.Portal>
              <Menu.Content className={menuStyles.menu} align="end" sideOffset={4}>
                <Menu.Item className={menuStyles.item} onSelect={() => setDialog("escalate")}>
                  <ArrowUpFromLine size={16} /> Escalar…
                </Menu.Item>
                {conversation.mode !== "closed" && (
                  <Menu.Item className={menuStyles.item} onSelect={() => setDialog("close")}>
                    <X size={16} /> Encerrar…
                  </Menu.Item>
                )}
              </Menu.Content>
            </Menu.Portal>
          </Menu.Root>
        </div>
      </div>
      <Facts conversation={conversation} />
      {conversation.handoff && conversation.mode !== "closed" && (
        <p className={styles.handoff}>
          <strong>Pedido de pessoa, prioridade {PRIORITY[conversation.handoff.priority]}:</strong>{" "}
          {conversation.handoff.reason}
        </p>
      )}
      <HandbackDialog
        open={dialog === "handback"}
        onOpenChange={closeDialog}
        conversation={conversation}
        onDone={() => onTakenOver(null)}
      />
      <CloseDialog open={dialog === "close"} onOpenChange={closeDialog} conversationId={conversation.id} />
      <EscalateDialog
        open={dialog === "escalate"}
        onOpenChange={closeDialog}
        conversationId={conversation.id}
      />
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
