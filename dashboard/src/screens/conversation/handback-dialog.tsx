import { useState } from "react";
import { handBack } from "@/api/endpoints";
import type { Conversation } from "@/api/types";
import { formatClock } from "@/format/time";
import { contentPreview } from "@/format/words";
import { FormDialog } from "@/ui/dialog";
import styles from "./conversation.module.css";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversation: Conversation;
  onDone: () => void;
}

/** What the person answered becomes context; the dialog shows what the AI will still answer. */
export function HandbackDialog({ open, onOpenChange, conversation, onDone }: Props) {
  const [answersPending, setAnswersPending] = useState(true);
  const action = useConversationAction(
    conversation.id,
    (handledUpTo: string | null) => handBack(conversation.id, handledUpTo),
    "Conversa devolvida à IA",
  );
  const pending = conversation.messages.filter(({ id }) => conversation.pending.includes(id));
  const count = conversation.pending.length;
  const handled = conversation.messages.findLast(({ author }) => author === "operator");
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Devolver à IA?"
      description="A IA volta a responder este cliente. O que você escreveu fica como contexto e não é respondido de novo."
      confirm="Devolver"
      busy={action.isPending}
      onConfirm={() =>
        action.mutate(count > 0 && !answersPending ? "all" : null, {
          onSuccess: () => {
            onDone();
            onOpenChange(false);
          },
        })
      }
    >
      {handled && (
        <p>
          Resolvido até a sua última resposta: <em>“{contentPreview(handled.content, handled.text)}”</em>,{" "}
          {formatClock(handled.at)}.
        </p>
      )}
      {count === 0 ? (
        <p className={styles.hint}>Nada pendente: a IA espera o cliente escrever.</p>
      ) : (
        <div className={styles.hint}>
          <p>{count === 1 ? "Uma mensagem sem resposta:" : `${count} mensagens sem resposta:`}</p>
          <ul className={styles.quotes}>
            {pending.map((message) => (
              <li key={message.id}>
                <time dateTime={message.at}>{formatClock(message.at)}</time>{" "}
                {contentPreview(message.content, message.text)}
              </li>
            ))}
          </ul>
          <label className={styles.choice}>
            <input
              type="checkbox"
              checked={answersPending}
              onChange={(event) => setAnswersPending(event.target.checked)}
            />{" "}
            A IA responde isto agora
          </label>
        </div>
      )}
    </FormDialog>
  );
}
