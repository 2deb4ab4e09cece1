import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { assign, listUsers } from "@/api/endpoints";
import type { Conversation } from "@/api/types";
import { ROLE } from "@/format/words";
import { keys } from "@/live/live-cache";
import { FormDialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversation: Conversation;
}

export function AssignDialog({ open, onOpenChange, conversation }: Props) {
  const [chosen, setChosen] = useState("");
  const users = useQuery({
    queryKey: keys.users,
    queryFn: ({ signal }) => listUsers(signal),
    enabled: open,
  });
  const action = useConversationAction(
    conversation.id,
    (operatorId: string) => assign(conversation.id, operatorId),
    "Conversa passada adiante",
  );
  const people = (users.data?.items ?? [])
    .filter(({ active, id }) => active && id !== conversation.assignee?.id)
    .sort((a, b) => Number(b.online) - Number(a.online));
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Passar para outra pessoa"
      description="A pessoa passa a responder este cliente, e a IA para na hora."
      confirm="Passar"
      busy={action.isPending}
      disabled={chosen === ""}
      onConfirm={() => action.mutate(chosen, { onSuccess: () => onOpenChange(false) })}
    >
      <Field label="Pessoa" hint={users.isError ? "Não deu para carregar as pessoas; tente de novo." : null}>
        {(props) => (
          <select {...props} value={chosen} onChange={(event) => setChosen(event.target.value)}>
            <option value="">{users.isPending ? "Carregando…" : "Escolha…"}</option>
            {people.map(({ id, name, role, online }) => (
              <option key={id} value={id}>
                {name} ({ROLE[role]}
                {online ? ", online" : ""})
              </option>
            ))}
          </select>
        )}
      </Field>
    </FormDialog>
  );
}
