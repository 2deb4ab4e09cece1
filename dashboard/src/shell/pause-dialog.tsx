import { useState } from "react";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { usePauseAi } from "./use-system";

export function PauseDialog({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const [reason, setReason] = useState("");
  const pause = usePauseAi();
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Pausar a IA em todas as conversas?"
      description="Nenhuma mensagem da IA sai enquanto durar a pausa. O que os clientes escreverem fica guardado, e as pessoas continuam respondendo normalmente."
      confirm="Pausar tudo"
      danger
      busy={pause.isPending}
      disabled={reason.trim() === ""}
      onConfirm={() =>
        pause.mutate(reason.trim(), {
          onSuccess: () => {
            setReason("");
            onOpenChange(false);
          },
        })
      }
    >
      <Field label="Motivo" hint="Aparece na barra vermelha para toda a equipe e na auditoria.">
        {(props) => (
          <textarea {...props} rows={2} value={reason} onChange={(event) => setReason(event.target.value)} />
        )}
      </Field>
    </FormDialog>
  );
}
