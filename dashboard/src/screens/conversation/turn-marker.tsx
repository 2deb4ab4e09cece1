import { Sparkles } from "lucide-react";
import type { Turn } from "@/api/types";
import { formatScore, formatUsd } from "@/format/money";
import { formatMs } from "@/format/time";
import { TURN_STATE } from "@/format/words";
import styles from "./thread.module.css";

interface Props {
  turn: Turn;
  isOpen: boolean;
  onOpen: (turnId: string) => void;
}

export function TurnMarker({ turn, isOpen, onOpen }: Props) {
  const facts = [
    turn.state === "committed" ? null : TURN_STATE[turn.state],
    turn.reply?.qualification_score == null ? null : `score ${formatScore(turn.reply.qualification_score)}`,
    turn.latency_ms.total ? formatMs(turn.latency_ms.total) : null,
    turn.cost_usd_micros > 0 ? formatUsd(turn.cost_usd_micros) : null,
  ].filter(Boolean);
  return (
    <button
      type="button"
      className={styles.turn}
      data-state={turn.state}
      aria-expanded={isOpen}
      onClick={() => onOpen(turn.id)}
    >
      <Sparkles size={13} aria-hidden="true" />
      <strong>Por quê?</strong>
      {facts.length > 0 && <span>{facts.join(" · ")}</span>}
    </button>
  );
}
