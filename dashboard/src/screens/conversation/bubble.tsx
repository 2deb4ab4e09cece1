import type { Message } from "@/api/types";
import { formatClock, formatFull } from "@/format/time";
import { authorLabel, contentPreview, errorWords, STATUS } from "@/format/words";
import { Ticks } from "@/ui/ticks";
import styles from "./bubble.module.css";
import { ContentView } from "./content-view";
import { ParkedActions } from "./parked-actions";

interface Props {
  message: Message;
  contactName: string;
  quoted: Message | null;
  wasInFlight: boolean;
  conversationId: string;
}

const NEEDS_WORDS: ReadonlySet<Message["status"]> = new Set(["failed", "withdrawn", "unknown", "parked"]);

export function Bubble({ message, contactName, quoted, wasInFlight, conversationId }: Props) {
  const error = errorWords(message.error);
  return (
    <article className={styles.bubble} data-author={message.author} data-status={message.status}>
      {message.author !== "contact" && (
        <header className={styles.author}>{authorLabel(message, contactName)}</header>
      )}
      {quoted && (
        <blockquote className={styles.quote}>
          <strong>{authorLabel(quoted, contactName)}</strong>
          <span>{contentPreview(quoted.content, quoted.text)}</span>
        </blockquote>
      )}
      <ContentView content={message.content} text={message.text} />
      <footer className={styles.meta}>
        {wasInFlight && <span className={styles.flight}>já tinha saído</span>}
        {message.possible_duplicate && (
          <span
            className={styles.flight}
            title="Foi enviada de novo porque não se sabia se a primeira tinha saído"
          >
            pode ter chegado duas vezes
          </span>
        )}
        <time dateTime={message.at} title={formatFull(message.at)}>
          {formatClock(message.at)}
        </time>
        {message.direction === "outbound" && <Ticks status={message.status} />}
      </footer>
      {NEEDS_WORDS.has(message.status) && (
        <p className={styles.trouble}>
          {STATUS[message.status]}
          {error && `: ${error}`}
        </p>
      )}
      {message.status === "parked" && <ParkedActions message={message} conversationId={conversationId} />}
    </article>
  );
}
