import { X } from "lucide-react";
import type { Conversation, TakeoverResult } from "@/api/types";
import { contentPreview } from "@/format/words";
import { IconButton } from "@/ui/button";
import styles from "./conversation.module.css";

interface Props {
  takeover: TakeoverResult;
  conversation: Conversation;
  onClose: () => void;
}

/** After a takeover: what of the AI was already on its way and can no longer be called back. */
export function TakeoverNotice({ takeover, conversation, onClose }: Props) {
  const inFlight = conversation.messages.filter((message) => takeover.in_flight.includes(message.id));
  const count = takeover.in_flight.length;
  return (
    <div role="status" className={styles.takeover}>
      <div>
        <strong>Você assumiu (época {takeover.epoch}).</strong>{" "}
        {count === 0
          ? "Nada da IA estava a caminho; ela não envia mais nada."
          : `${count === 1 ? "Uma mensagem da IA já tinha" : `${count} mensagens da IA já tinham`} saído:`}
        {inFlight.map((message) => (
          <q key={message.id}>{contentPreview(message.content, message.text)}</q>
        ))}
      </div>
      <IconButton label="Fechar aviso" onClick={onClose}>
        <X size={16} />
      </IconButton>
    </div>
  );
}
