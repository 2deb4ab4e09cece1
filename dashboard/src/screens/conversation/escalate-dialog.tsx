import { useState } from "react";
import { escalate } from "@/api/endpoints";
import type { Priority } from "@/api/types";
import { PRIORITY } from "@/format/words";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversationId: string;
}

export function EscalateDialog({ open, onOpenChange, conversationId }: Props) {
  const [reason, setReason] = useState("");
  const [priority, setPriority] = useState<Priority>("normal");
  const action = useConversationAction(
    conversationId,
    () => escalate(conversationId, reason.trim(), priority),
    "Conversa na fila de pessoas",
  );
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Escalar para uma pessoa"
      description="A conversa entra na fila. Até alguém aceitar, a IA continua respondendo o que pode."
      confirm="Escalar"
      busy={action.isPending}
      disabled={reason.trim() === ""}
      onConfirm={() => action.mutate(undefined, { onSuccess: () => onOpenChange(false) })}
    >
      <Field label="Motivo">
        {(props) => (
          <textarea {...props} rows={2} value={reason} onChange={(event) => setReason(event.target.value)} />
        )}
      </Field>
      <Field label="Prioridade">
        {(props) => (
          <select
            {...props}
            value={priority}
            onChange={(event) => setPriority(event.target.value as Priority)}
          >
            {Object.entries(PRIORITY).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
    </FormDialog>
  );
}
