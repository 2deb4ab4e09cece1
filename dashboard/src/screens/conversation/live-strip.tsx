import type { Trace } from "@/api/feed-events";
import type { Conversation } from "@/api/types";
import { useNow } from "@/format/time";
import { awaitingLabel, TRACE } from "@/format/words";
import { useActivity } from "@/live/activity";
import styles from "./thread.module.css";

/** What happens now at the foot of the thread: the feed's last trace, else the stored `awaiting`. */
export function LiveStrip({ conversation }: { conversation: Conversation }) {
  const trace = useActivity(conversation.id);
  const now = useNow(500);
  const label = trace ? traceLabel(trace, now) : awaitingLabel(conversation.awaiting);
  if (!label) return null;
  const isWorking = trace !== undefined || ["quiet", "turn", "sending"].includes(conversation.awaiting);
  return (
    <p className={styles.strip} data-working={isWorking} aria-live="polite">
      {isWorking && (
        <span className={styles.dots} aria-hidden="true">
          <i />
          <i />
          <i />
        </span>
      )}
      {label}
    </p>
  );
}

function traceLabel(trace: Trace, now: number): string {
  const label = TRACE[trace.stage];
  if (trace.stage === "quiet.waiting" && typeof trace.detail.due_at === "string") {
    const left = Math.ceil((Date.parse(trace.detail.due_at) - now) / 1_000);
    return left > 0 ? `${label} (${left} s)` : label;
  }
  if (trace.stage === "tool.called" && typeof trace.detail.name === "string") {
    return `${label}: ${trace.detail.name}`;
  }
  return label;
}
