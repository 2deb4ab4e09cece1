import { useMutation } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { getEarlier } from "@/api/endpoints";
import type { Conversation, Message } from "@/api/types";
import { useToaster } from "@/ui/toast";

export interface EarlierMessages {
  exist: boolean;
  busy: boolean;
  load: () => void;
}

/** The conversation with what was loaded of its past; the API answers with the newest 200 messages. */
export function useEarlierMessages(newest: Conversation) {
  const toaster = useToaster();
  const [loaded, setLoaded] = useState<Message[]>([]);
  const [exist, setExist] = useState(newest.earlier_messages);

  const conversation = useMemo(() => {
    const known = new Set(newest.messages.map(({ id }) => id));
    return { ...newest, messages: [...loaded.filter(({ id }) => !known.has(id)), ...newest.messages] };
  }, [newest, loaded]);

  const load = useMutation({
    mutationFn: () => getEarlier(newest.id, conversation.messages[0]?.seq ?? 1),
    onSuccess: (page) => {
      setLoaded((old) => [...page.messages, ...old]);
      setExist(page.earlier_messages);
    },
    onError: toaster.problem,
  });

  const earlier: EarlierMessages = { exist, busy: load.isPending, load: () => load.mutate() };
  return { conversation, earlier };
}
