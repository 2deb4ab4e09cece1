import { useState } from "react";
import { qualify } from "@/api/endpoints";
import type { Conversation } from "@/api/types";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversation: Conversation;
}

export function QualifyDialog({ open, onOpenChange, conversation }: Props) {
  const [percent, setPercent] = useState(String(Math.round((conversation.score ?? 0.5) * 100)));
  const score = Number(percent) / 100;
  const isValid = percent !== "" && score >= 0 && score <= 1;
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
      description="0 é curioso, 100 é pronto para comprar. O seu valor substitui o da IA."
      confirm="Guardar"
      busy={action.isPending}
      disabled={!isValid}
      onConfirm={() => action.mutate(score, { onSuccess: () => onOpenChange(false) })}
    >
      <Field label="Score em %">
        {(props) => (
          <input
            {...props}
            type="number"
            min={0}
            max={100}
            step={1}
            value={percent}
            onChange={(event) => setPercent(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
