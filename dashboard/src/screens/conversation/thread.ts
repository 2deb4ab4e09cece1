import type { Conversation, Message, Note, TimelineEntry, Turn } from "@/api/types";

export type ThreadEntry =
  | { kind: "message"; key: string; at: string; message: Message }
  | { kind: "turn"; key: string; at: string; turn: Turn }
  | { kind: "note"; key: string; at: string; note: Note }
  | { kind: "event"; key: string; at: string; event: TimelineEntry };

export interface ThreadDay {
  /** The first moment of that local day's entries. */
  at: string;
  entries: ThreadEntry[];
}

/**
 * The conversation as it is read: messages by `seq`; a turn right before the first message it wrote, or,
 * when it wrote none, at the time it started; notes and events by their time.
 */
export function composeThread(conversation: Conversation): ThreadDay[] {
  const messages = [...conversation.messages].sort((a, b) => a.seq - b.seq);
  const turns = new Map(conversation.turns.map((turn) => [turn.id, turn]));
  const entries: ThreadEntry[] = [];
  const loose: ThreadEntry[] = [
    ...conversation.notes.map((note): ThreadEntry => ({ kind: "note", key: note.id, at: note.at, note })),
    ...conversation.timeline
      .filter(isNotInThread)
      .map(
        (event, index): ThreadEntry => ({ kind: "event", key: `${event.at}:${index}`, at: event.at, event }),
      ),
  ];

  const writing = new Set(messages.map((message) => message.turn_id));
  for (const turn of conversation.turns) {
    if (!writing.has(turn.id)) loose.push({ kind: "turn", key: turn.id, at: turn.started_at, turn });
  }
  loose.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));

  for (const message of messages) {
    while (loose[0] && Date.parse(loose[0].at) < Date.parse(message.at))
      entries.push(loose.shift() as ThreadEntry);
    const turn = message.turn_id && message.direction === "outbound" ? turns.get(message.turn_id) : undefined;
    if (turn) {
      entries.push({ kind: "turn", key: turn.id, at: message.at, turn });
      turns.delete(turn.id);
    }
    entries.push({ kind: "message", key: message.id, at: message.at, message });
  }
  return byDay([...entries, ...loose]);
}

/** Turns, notes and messages stand in the thread themselves. */
const SHOWN_ANYWAY = /^(turn|message)\.|^conversation\.(note|reply)$/;

const isNotInThread = ({ kind }: TimelineEntry): boolean => !SHOWN_ANYWAY.test(kind);

function byDay(entries: ThreadEntry[]): ThreadDay[] {
  const days: ThreadDay[] = [];
  for (const entry of entries) {
    const last = days.at(-1);
    const isSameDay = last && new Date(last.at).toDateString() === new Date(entry.at).toDateString();
    if (isSameDay) last.entries.push(entry);
    else days.push({ at: entry.at, entries: [entry] });
  }
  return days;
}
