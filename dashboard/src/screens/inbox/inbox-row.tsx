import { Bot, CircleSlash, Clock, Hourglass, ShieldQuestion, UserRound } from "lucide-react";
import { Link } from "react-router";
import type { ConversationItem } from "@/api/types";
import { formatCost, formatScore } from "@/format/money";
import { formatStamp, serviceWindow } from "@/format/time";
import { awaitingLabel, contactName, PRIORITY, type Speaker, speakerOf } from "@/format/words";
import { Avatar } from "@/ui/avatar";
import { Badge, type Tone } from "@/ui/badge";
import { Ticks } from "@/ui/ticks";
import styles from "./inbox.module.css";

const SPEAKER_TONE: Record<Speaker, Tone> = {
  agent: "agent",
  operator: "person",
  queue: "wait",
  consent: "neutral",
  muted: "neutral",
  closed: "neutral",
};

const SPEAKER_ICON: Record<Speaker, typeof Bot> = {
  agent: Bot,
  operator: UserRound,
  queue: Hourglass,
  consent: ShieldQuestion,
  muted: CircleSlash,
  closed: CircleSlash,
};

interface Props {
  item: ConversationItem;
  isOpen: boolean;
  now: number;
  query: string;
}

export function InboxRow({ item, isOpen, now, query }: Props) {
  const name = contactName(item);
  const speaker = speakerOf(item);
  const Icon = SPEAKER_ICON[speaker.kind];
  const window = serviceWindow(item.window_open_until, now);
  return (
    <Link
      data-row
      className={styles.row}
      aria-current={isOpen ? "page" : undefined}
      to={{ pathname: `/conversas/${item.id}`, search: query }}
    >
      <Avatar id={item.contact.id} name={name} />
      <div className={styles.rowBody}>
        <div className={styles.rowTop}>
          <strong className={styles.name}>{name}</strong>
          <time dateTime={item.updated_at}>{formatStamp(item.last_message?.at ?? item.updated_at, now)}</time>
        </div>
        <div className={styles.rowTop}>
          <Preview item={item} />
          {item.unread_count > 0 && !isOpen && (
            <span className={styles.unread}>
              {item.unread_count}
              <span className="visually-hidden"> não lidas</span>
            </span>
          )}
        </div>
        <div className={styles.chips}>
          <Badge tone={SPEAKER_TONE[speaker.kind]}>
            <Icon size={12} aria-hidden="true" /> {speaker.label}
          </Badge>
          {item.handoff && item.handoff.priority !== "low" && item.handoff.priority !== "normal" && (
            <Badge tone="bad">{PRIORITY[item.handoff.priority]}</Badge>
          )}
          {item.mode !== "closed" && (
            <Badge
              tone={!window.open || window.closing ? "wait" : "neutral"}
              title="Tempo até fechar a janela de 24 h do WhatsApp"
            >
              <Clock size={12} aria-hidden="true" /> {window.label}
            </Badge>
          )}
          <span className={styles.figures}>
            {item.score !== null && <span title="Qualificação do lead">{formatScore(item.score)}</span>}
            <span title="Custo da conversa">{formatCost(item.cost_brl_centavos, item.cost_usd_micros)}</span>
          </span>
        </div>
        {item.handoff && item.mode !== "closed" && <p className={styles.reason}>{item.handoff.reason}</p>}
      </div>
    </Link>
  );
}

function Preview({ item }: { item: ConversationItem }) {
  const doing = awaitingLabel(item.awaiting);
  if (doing && (item.awaiting === "quiet" || item.awaiting === "turn" || item.awaiting === "sending")) {
    return <span className={`${styles.preview} ${styles.doing}`}>{doing}</span>;
  }
  const last = item.last_message;
  if (!last) return <span className={styles.preview}>Sem mensagens</span>;
  return (
    <span className={styles.preview}>
      {last.direction === "outbound" && <Ticks status={last.status} />}
      <span>{last.text?.replace(/[*~](\S[^*~\n]*)[*~]/g, "$1") ?? "Mensagem sem texto"}</span>
    </span>
  );
}
