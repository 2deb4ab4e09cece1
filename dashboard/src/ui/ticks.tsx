import { Ban, Check, CheckCheck, CircleAlert, CircleHelp, CirclePause, Clock } from "lucide-react";
import type { MessageStatus } from "@/api/types";
import { STATUS } from "@/format/words";
import styles from "./ticks.module.css";

const ICON: Record<Exclude<MessageStatus, "received">, typeof Check> = {
  queued: Clock,
  accepted: Clock,
  sent: Check,
  delivered: CheckCheck,
  read: CheckCheck,
  played: CheckCheck,
  failed: CircleAlert,
  withdrawn: Ban,
  unknown: CircleHelp,
  parked: CirclePause,
};

export function Ticks({ status }: { status: MessageStatus }) {
  if (status === "received") return null;
  const Icon = ICON[status];
  return (
    <span className={styles.ticks} data-status={status} title={STATUS[status]}>
      <Icon size={15} aria-hidden="true" />
      <span className="visually-hidden">{STATUS[status]}</span>
    </span>
  );
}
