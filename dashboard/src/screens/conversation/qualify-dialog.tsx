import { useState } from "react";
import { qualify } from "@/api/endpoints";
import type { Conversation } from "@/api/types";
import { formatScore } from "@/format/money";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversation: Conversation;
}

export function QualifyDialog({ open, onOpenChange, conversation }: Props) {
  const [score, setScore] = useState(conversation.score ?? 0.5);
  const action = useConversationAction(
    conversation.id,
    (value: number) => qualify(conversation.id, value),
    "Contato qualificado",
  );
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Qualificar o contato"
      description="0 é curioso, 1 é pronto para comprar. O seu valor substitui o da IA."
      confirm="Guardar"
      busy={action.isPending}
      onConfirm={() => action.mutate(score, { onSuccess: () => onOpenChange(false) })}
    >
      <Field label={`Score: ${formatScore(score)}`}>
        {(props) => (
          <input
            {...props}
            type="range"
            min={0}
            max={1}
            step={0.05}
            value={score}
            onChange={(event) => setScore(Number(event.target.value))}
          />
        )}
      </Field>
    </FormDialog>
  );
}
