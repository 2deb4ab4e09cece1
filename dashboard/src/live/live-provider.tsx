import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { FeedEvent, TraceStage } from "@/api/feed-events";
import { clearActivity, recordTrace } from "./activity";
import { type FeedState, followFeed } from "./feed";
import { applyConversation, applyMessage, keys } from "./live-cache";

const LiveContext = createContext<FeedState>("connecting");

/** Stages after which the stored turns of a conversation have changed. */
const CHANGES_TURNS: ReadonlySet<TraceStage> = new Set([
  "turn.started",
  "turn.committed",
  "turn.superseded",
  "turn.fenced",
  "human.took_over",
]);

/** One refetch for a burst of events about the same conversation. */
const REFETCH_AFTER_MS = 400;

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<FeedState>("connecting");

  useEffect(() => {
    const controller = new AbortController();
    const pending = new Map<string, ReturnType<typeof setTimeout>>();

    const refetchSoon = (id: string) => {
      if (pending.has(id)) return;
      const refetch = () => {
        pending.delete(id);
        void client.invalidateQueries({ queryKey: keys.conversation(id) });
      };
      pending.set(id, setTimeout(refetch, REFETCH_AFTER_MS));
    };

    const onEvent = (event: FeedEvent) => {
      switch (event.type) {
        case "message":
          applyMessage(client, event.data.conversation_id, event.data.message);
          break;
        case "conversation":
          applyConversation(client, event.data.conversation);
          refetchSoon(event.data.conversation.id);
          break;
        case "trace":
          recordTrace(event.data);
          if (CHANGES_TURNS.has(event.data.stage)) refetchSoon(event.data.conversation_id);
          break;
        case "system":
          void client.invalidateQueries({ queryKey: keys.system });
          void client.invalidateQueries({ queryKey: keys.numbers });
          void client.invalidateQueries({ queryKey: keys.conversations });
          break;
        case "reset":
          clearActivity();
          void client.invalidateQueries({ queryKey: keys.system });
          void client.invalidateQueries({ queryKey: keys.conversations });
          void client.invalidateQueries({ queryKey: ["conversation"] });
          break;
      }
    };

    void followFeed({ onEvent, onState: setState, signal: controller.signal });
    return () => {
      controller.abort();
      for (const timer of pending.values()) clearTimeout(timer);
    };
  }, [client]);

  return <LiveContext.Provider value={state}>{children}</LiveContext.Provider>;
}

export const useFeedState = (): FeedState => useContext(LiveContext);

function onNetworkChange(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

export const useOnline = (): boolean => useSyncExternalStore(onNetworkChange, () => navigator.onLine);
