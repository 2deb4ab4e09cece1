import { Lock, SendHorizontal } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useId, useRef, useState } from "react";
import { addNote, whisper } from "@/api/endpoints";
import type { Conversation, TakeoverResult } from "@/api/types";
import { formatCount } from "@/format/money";
import { serviceWindow, useNow } from "@/format/time";
import { useIsSupervisor } from "@/session/session";
import { hasSession, onSessionChange } from "@/session/vault";
import { Button } from "@/ui/button";
import styles from "./composer.module.css";
import { useConversationAction, useSendText } from "./use-conversation";

/** WhatsApp's limit for a text message. */
const MAX_TEXT = 4096;

type Channel = "reply" | "note" | "whisper";

const CHANNELS: { channel: Channel; label: string; placeholder: string; send: string }[] = [
  { channel: "reply", label: "Responder", placeholder: "Escreva ao cliente…", send: "Enviar" },
  { channel: "note", label: "Nota interna", placeholder: "Só a equipe vê…", send: "Guardar" },
  {
    channel: "whisper",
    label: "Sussurrar à IA",
    placeholder: "Oriente a IA; o cliente não vê…",
    send: "Sussurrar",
  },
];

/** What was being written, kept while walking between conversations. */
const drafts = new Map<string, string>();
onSessionChange(() => {
  if (!hasSession()) drafts.clear();
});

interface Props {
  conversation: Conversation;
  /** Sending implies the takeover. */
  onTakenOver: (result: TakeoverResult) => void;
}

export function Composer({ conversation, onTakenOver }: Props) {
  const isSupervisor = useIsSupervisor();
  const [channel, setChannel] = useState<Channel>("reply");
  const [text, setText] = useState(() => drafts.get(conversation.id) ?? "");
  const attempt = useRef<{ text: string; key: string } | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const now = useNow(15_000);
  const hintId = useId();
  const send = useSendText(conversation.id);
  const note = useConversationAction(
    conversation.id,
    (body: string) => addNote(conversation.id, body),
    "Nota guardada",
  );
  const hush = useConversationAction(
    conversation.id,
    (body: string) => whisper(conversation.id, body),
    "A IA recebeu o sussurro",
  );

  const current = CHANNELS.find((entry) => entry.channel === channel) ?? CHANNELS[0];
  const windowOpen = serviceWindow(conversation.window_open_until, now).open;
  const isBlocked = channel === "reply" && !windowOpen;
  const tooLong = text.length > MAX_TEXT;
  const canSend = text.trim() !== "" && !tooLong && !isBlocked && !note.isPending && !hush.isPending;

  const write = (value: string) => {
    setText(value);
    drafts.set(conversation.id, value);
  };

  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!canSend) return;
    const body = text.trim();
    // A refused text returns to the field, unless something else is being written by then.
    const giveBack = { onError: () => !drafts.get(conversation.id) && write(body) };
    write("");
    field.current?.focus();
    if (channel === "note") return note.mutate(body, giveBack);
    if (channel === "whisper") return hush.mutate(body, giveBack);
    // The same text tried again keeps its key, so a lost answer does not become two messages.
    if (attempt.current?.text !== body) attempt.current = { text: body, key: crypto.randomUUID() };
    send.mutate(attempt.current, {
      ...giveBack,
      onSuccess: (sent) => {
        attempt.current = null;
        if (conversation.mode !== "operator") onTakenOver(sent);
      },
    });
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const isTouch = window.matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && !isTouch) {
      event.preventDefault();
      submit();
    }
  };

  return (
    <form className={styles.composer} data-channel={channel} onSubmit={submit}>
      <div className={styles.channels} role="toolbar" aria-label="O que escrever">
        {CHANNELS.filter((entry) => isSupervisor || entry.channel !== "whisper").map((entry) => (
          <button
            key={entry.channel}
            type="button"
            aria-pressed={entry.channel === channel}
            onClick={() => {
              setChannel(entry.channel);
              field.current?.focus();
            }}
          >
            {entry.label}
          </button>
        ))}
      </div>
      {isBlocked ? (
        <p className={styles.closed}>
          <Lock size={16} aria-hidden="true" />
          <span>
            <strong>Janela de 24 h fechada.</strong> O WhatsApp só permite texto livre até 24 h depois da
            última mensagem do cliente. Ela reabre quando ele escrever.
          </span>
        </p>
      ) : (
        <div className={styles.row}>
          <textarea
            ref={field}
            rows={1}
            aria-label={current?.label}
            aria-describedby={hintId}
            placeholder={current?.placeholder}
            value={text}
            onChange={(event) => write(event.target.value)}
            onKeyDown={onKeyDown}
          />
          <Button type="submit" tone="primary" disabled={!canSend} aria-label={current?.send}>
            <SendHorizontal size={18} aria-hidden="true" />
          </Button>
        </div>
      )}
      <p id={hintId} className={styles.hint}>
        <span>{isBlocked ? "" : hintFor(channel, conversation)}</span>
        {text !== "" && !isBlocked && (
          <span className={tooLong ? styles.over : ""}>
            {formatCount(text.length)} / {formatCount(MAX_TEXT)}
          </span>
        )}
      </p>
    </form>
  );
}

function hintFor(channel: Channel, conversation: Conversation): string {
  if (channel === "note") return "O cliente e a IA não veem notas internas.";
  if (channel === "whisper") {
    return conversation.mode === "operator"
      ? "A IA lê isto quando a conversa voltar para ela."
      : "A IA refaz a resposta com a sua orientação.";
  }
  return conversation.mode === "operator"
    ? "Enter envia, Shift+Enter quebra a linha."
    : "Enviar assume a conversa: a IA para na hora.";
}
