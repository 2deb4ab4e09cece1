import { useEffect, useSyncExternalStore } from "react";
import { markRead } from "@/api/endpoints";
import type { Conversation } from "@/api/types";

/** Somebody looks at the open conversation: nothing of it is unread. A lost call is made up by the next one. */
export function useMarkRead({ id, unread_count: unread }: Conversation): void {
  const looksAt = useSyncExternalStore(onLook, isLooking);
  useEffect(() => {
    if (looksAt && unread > 0) void markRead(id).catch(() => undefined);
  }, [id, unread, looksAt]);
}

const isLooking = (): boolean => document.visibilityState === "visible" && document.hasFocus();

function onLook(listener: () => void): () => void {
  document.addEventListener("visibilitychange", listener);
  window.addEventListener("focus", listener);
  window.addEventListener("blur", listener);
  return () => {
    document.removeEventListener("visibilitychange", listener);
    window.removeEventListener("focus", listener);
    window.removeEventListener("blur", listener);
  };
}
