import { useState } from "react";
import { schedule } from "@/api/endpoints";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversationId: string;
}

export function ScheduleDialog({ open, onOpenChange, conversationId }: Props) {
  const [at, setAt] = useState("");
  const [subject, setSubject] = useState("");
  const action = useConversationAction(
    conversationId,
    () => schedule(conversationId, new Date(at).toISOString(), subject.trim()),
    "Contato agendado",
  );
  const isFuture = at !== "" && new Date(at).getTime() > Date.now();
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Agendar um contato"
      description="Fica registrado na conversa, e a IA sabe do combinado."
      confirm="Agendar"
      busy={action.isPending}
      disabled={!isFuture || subject.trim() === ""}
      onConfirm={() => action.mutate(undefined, { onSuccess: () => onOpenChange(false) })}
    >
      <Field label="Quando" hint={at !== "" && !isFuture ? "Escolha um momento no futuro." : null}>
        {(props) => (
          <input
            {...props}
            type="datetime-local"
            value={at}
            onChange={(event) => setAt(event.target.value)}
          />
        )}
      </Field>
      <Field label="Assunto">
        {(props) => (
          <input
            {...props}
            value={subject}
            maxLength={500}
            onChange={(event) => setSubject(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
