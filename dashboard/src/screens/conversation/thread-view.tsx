import { useLayoutEffect, useMemo, useRef } from "react";
import type { Conversation } from "@/api/types";
import { formatClock, formatDay, useNow } from "@/format/time";
import { contactName } from "@/format/words";
import { Button } from "@/ui/button";
import { Empty } from "@/ui/states";
import { Bubble } from "./bubble";
import { LiveStrip } from "./live-strip";
import { composeThread, type ThreadEntry } from "./thread";
import styles from "./thread.module.css";
import { TurnMarker } from "./turn-marker";
import type { EarlierMessages } from "./use-earlier-messages";

interface Props {
  conversation: Conversation;
  earlier: EarlierMessages;
  inFlight: string[];
  openTurnId: string | null;
  onTurn: (turnId: string) => void;
}

/** Distance to the bottom under which new messages scroll into view by themselves. */
const STICK_PX = 120;

export function ThreadView({ conversation, earlier, inFlight, openTurnId, onTurn }: Props) {
  const days = useMemo(() => composeThread(conversation), [conversation]);
  const now = useNow(60_000);
  const scroller = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const name = contactName(conversation);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const stick = () => {
      if (sticks.current) box.scrollTop = box.scrollHeight;
    };
    stick();
    const observer = new ResizeObserver(stick);
    for (const child of box.children) observer.observe(child);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const box = scroller.current;
    if (box) sticks.current = box.scrollHeight - box.scrollTop - box.clientHeight < STICK_PX;
  };

  const draw = (entry: ThreadEntry) => {
    switch (entry.kind) {
      case "message":
        return (
          <Bubble
            message={entry.message}
            contactName={name}
            quoted={conversation.messages.find(({ id }) => id === entry.message.reply_to) ?? null}
            wasInFlight={inFlight.includes(entry.message.id)}
            conversationId={conversation.id}
          />
        );
      case "turn":
        return <TurnMarker turn={entry.turn} isOpen={entry.turn.id === openTurnId} onOpen={onTurn} />;
      case "note":
        return (
          <div className={styles.note}>
            <strong>Nota de {entry.note.author}</strong>
            <p>{entry.note.text}</p>
            <time dateTime={entry.at}>{formatClock(entry.at)}</time>
          </div>
        );
      case "event":
        return (
          <p className={styles.event}>
            {entry.event.text} · {formatClock(entry.at)}
          </p>
        );
    }
  };

  return (
    <div
      ref={scroller}
      className={styles.scroller}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
      role="log"
      aria-label="Mensagens"
    >
      <div className={styles.thread}>
        {earlier.exist && (
          <Button tone="ghost" disabled={earlier.busy} onClick={earlier.load}>
            {earlier.busy ? "Carregando…" : "Mostrar mensagens anteriores"}
          </Button>
        )}
        {days.length === 0 && <Empty title="Ainda sem mensagens" />}
        {days.map((day) => (
          <section key={day.at} className={styles.day}>
            <h3>{formatDay(day.at, now)}</h3>
            {day.entries.map((entry) => (
              <div key={`${entry.kind}:${entry.key}`} className={styles.entry}>
                {draw(entry)}
              </div>
            ))}
          </section>
        ))}
        <LiveStrip conversation={conversation} />
      </div>
    </div>
  );
}
