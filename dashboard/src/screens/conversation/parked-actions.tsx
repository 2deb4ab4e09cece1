import { confirmArrival, resendMessage } from "@/api/endpoints";
import type { Message } from "@/api/types";
import { Button } from "@/ui/button";
import styles from "./bubble.module.css";
import { useConversationAction } from "./use-conversation";

interface Props {
  message: Message;
  conversationId: string;
}

/** What waits for a person's decision: Meta was asked and did not say, or the message could not leave. */
export function ParkedActions({ message, conversationId }: Props) {
  const resend = useConversationAction(
    conversationId,
    () => resendMessage(message.id),
    "A mensagem vai sair de novo",
  );
  const arrived = useConversationAction(
    conversationId,
    () => confirmArrival(message.id),
    "Marcada como entregue",
  );
  const busy = resend.isPending || arrived.isPending;
  return (
    <p className={styles.decision}>
      <Button disabled={busy} onClick={() => resend.mutate(undefined)}>
        Enviar de novo
      </Button>
      {message.error?.code === "unknown_outcome" && (
        <Button disabled={busy} onClick={() => arrived.mutate(undefined)}>
          Chegou
        </Button>
      )}
    </p>
  );
}
