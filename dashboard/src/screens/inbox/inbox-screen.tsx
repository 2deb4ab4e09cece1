import { MessagesSquare } from "lucide-react";
import { Outlet, useParams } from "react-router";
import { useIsSupervisor } from "@/session/session";
import { Empty } from "@/ui/states";
import styles from "./inbox.module.css";
import { InboxList } from "./inbox-list";

/** The list beside the open conversation; on a phone one of the two. */
export function InboxScreen() {
  const { conversationId } = useParams();
  return (
    <div className={styles.screen} data-open={conversationId !== undefined}>
      <InboxList openId={conversationId ?? null} />
      <section className={styles.pane} aria-label="Conversa">
        <Outlet />
      </section>
    </div>
  );
}

export function NothingOpen() {
  const isSupervisor = useIsSupervisor();
  return (
    <Empty icon={<MessagesSquare size={48} />} title="Escolha uma conversa">
      <p>
        {isSupervisor
          ? "Abra uma conversa para ver a IA trabalhar e o porquê de cada resposta."
          : "As conversas passadas a você aparecem na lista."}
      </p>
      <p className={styles.keys}>
        <kbd>j</kbd> <kbd>k</kbd> percorrem a lista · <kbd>Enter</kbd> abre · <kbd>/</kbd> busca
      </p>
    </Empty>
  );
}
