import { useEffect, useState } from "react";
import { Navigate, useParams, useSearchParams } from "react-router";
import type { Conversation, TakeoverResult } from "@/api/types";
import { WhyPanel } from "@/screens/why/why-panel";
import { Failure, Loading } from "@/ui/states";
import { Composer } from "./composer";
import styles from "./conversation.module.css";
import { DetailsPanel } from "./details-panel";
import { Header } from "./header";
import { TakeoverNotice } from "./takeover-notice";
import { ThreadView } from "./thread-view";
import { useConversation } from "./use-conversation";
import { useEarlierMessages } from "./use-earlier-messages";
import { useMarkRead } from "./use-mark-read";

export function ConversationScreen() {
  const { conversationId = "" } = useParams();
  const conversation = useConversation(conversationId);
  // One that was merged into another of the same person is answered with the other.
  const current = conversation.data?.id ?? conversationId;
  if (current !== conversationId) return <Navigate to={`/conversas/${current}`} replace />;
  if (conversation.data) return <Open key={conversationId} conversation={conversation.data} />;
  if (conversation.isError) {
    return <Failure error={conversation.error} onRetry={() => void conversation.refetch()} />;
  }
  return <Loading label="Carregando a conversa" rows={8} />;
}

function Open({ conversation: newest }: { conversation: Conversation }) {
  const { conversation, earlier } = useEarlierMessages(newest);
  const [takeover, setTakeover] = useState<TakeoverResult | null>(null);
  const panel = usePanel();
  useMarkRead(newest);
  const turn = conversation.turns.find(({ id }) => id === panel.turnId);
  return (
    <div className={styles.screen}>
      <div className={styles.column}>
        <Header
          conversation={conversation}
          onTakenOver={setTakeover}
          onDetails={() => panel.show("painel", "detalhes")}
        />
        {takeover && (
          <TakeoverNotice takeover={takeover} conversation={conversation} onClose={() => setTakeover(null)} />
        )}
        <ThreadView
          conversation={conversation}
          earlier={earlier}
          inFlight={takeover?.in_flight ?? []}
          openTurnId={panel.turnId}
          onTurn={(id) => panel.show("turno", id)}
        />
        <Composer conversation={conversation} onTakenOver={setTakeover} />
      </div>
      {turn && <WhyPanel key={turn.id} turn={turn} conversation={conversation} onClose={panel.close} />}
      {panel.isDetails && <DetailsPanel conversation={conversation} onClose={panel.close} />}
    </div>
  );
}

/** Which side panel is open lives in the address: a turn's "why" can be linked to. */
function usePanel() {
  const [params, setParams] = useSearchParams();

  const change = (edit: (params: URLSearchParams) => void) =>
    setParams((old) => {
      old.delete("turno");
      old.delete("painel");
      edit(old);
      return old;
    });
  const close = () => change(() => undefined);
  const turnId = params.get("turno");
  const isDetails = params.get("painel") === "detalhes";
  const isOpen = turnId !== null || isDetails;

  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) close();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });

  return {
    turnId,
    isDetails,
    close,
    show: (name: "turno" | "painel", value: string) => change((next) => next.set(name, value)),
  };
}
