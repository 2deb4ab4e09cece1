import { mute } from "@/api/endpoints";
import { FormDialog } from "@/ui/dialog";
import { useConversationAction } from "./use-conversation";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  conversationId: string;
}

export function MuteDialog({ open, onOpenChange, conversationId }: Props) {
  const action = useConversationAction(conversationId, () => mute(conversationId), "Conversa silenciada");
  return (
    <FormDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Silenciar a conversa?"
      description="A IA não responde mais este cliente. O que ele escrever fica guardado até uma pessoa responder ou devolver a conversa à IA."
      confirm="Silenciar"
      busy={action.isPending}
      onConfirm={() => action.mutate(undefined, { onSuccess: () => onOpenChange(false) })}
    />
  );
}
