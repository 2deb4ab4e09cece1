import { useState } from "react";
import { closeConversation } from "@/api/endpoints";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversationId: string;
}

export function CloseDialog({ open, onOpenChange, conversationId }: Props) {
  const [reason, setReason] = useState("");
  const action = useConversationAction(
    conversationId,
    (text: string) => closeConversation(conversationId, text),
    "Conversa encerrada",
  );
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Encerrar a conversa?"
      description="Nada mais sai desta conversa. Se o cliente escrever de novo, ela reabre."
      confirm="Encerrar"
      busy={action.isPending}
      onConfirm={() => action.mutate(reason.trim(), { onSuccess: () => onOpenChange(false) })}
    >
      <Field label="Motivo (opcional)">
        {(props) => (
          <input
            {...props}
            value={reason}
            maxLength={200}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
