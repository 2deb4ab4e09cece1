import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getConversation, sendText } from "@/api/endpoints";
import type { Conversation, Message } from "@/api/types";
import { keys } from "@/live/live-cache";
import { useMe } from "@/session/session";
import { useToaster } from "@/ui/toast";

export function useConversation(id: string) {
  return useQuery({
    queryKey: keys.conversation(id),
    queryFn: ({ signal }) => getConversation(id, signal),
  });
}

/** A write on one conversation: says what happened (`done`, when nothing else shows it) and reloads it, also after a refusal. */
export function useConversationAction<TInput, TResult>(
  id: string,
  mutationFn: (input: TInput) => Promise<TResult>,
  done: string | null,
) {
  const client = useQueryClient();
  const toaster = useToaster();
  return useMutation({
    mutationFn,
    onSuccess: () => {
      if (done) toaster.done(done);
    },
    onError: toaster.problem,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: keys.conversation(id) });
      void client.invalidateQueries({ queryKey: keys.conversations });
    },
  });
}

interface Outgoing {
  text: string;
  /** The Idempotency-Key: a repeat after a lost answer must not write to the customer twice. */
  key: string;
}

/** Sends as the person: the bubble is there at once and becomes the API's message when it answers. */
export function useSendText(id: string) {
  const client = useQueryClient();
  const toaster = useToaster();
  const me = useMe();

  const change = (edit: (messages: Message[]) => Message[]) =>
    client.setQueryData<Conversation>(keys.conversation(id), (old) =>
      old ? { ...old, messages: edit(old.messages) } : old,
    );

  return useMutation({
    mutationFn: ({ text, key }: Outgoing) => sendText(id, text, key),
    onMutate: async ({ text, key }) => {
      await client.cancelQueries({ queryKey: keys.conversation(id) });
      change((messages) => [...messages, draftMessage(key, text, messages.at(-1)?.seq ?? 0, me)]);
    },
    onSuccess: ({ message_id }, { key }) => {
      change((messages) => {
        const hasArrived = messages.some((message) => message.id === message_id);
        return hasArrived
          ? messages.filter((message) => message.id !== key)
          : messages.map((message) => (message.id === key ? { ...message, id: message_id } : message));
      });
    },
    onError: (error, { key }) => {
      change((messages) => messages.filter((message) => message.id !== key));
      toaster.problem(error);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.conversation(id) }),
  });
}

function draftMessage(key: string, text: string, lastSeq: number, me: { id: string; name: string }): Message {
  return {
    id: key,
    seq: lastSeq + 1,
    direction: "outbound",
    author: "operator",
    operator: { id: me.id, name: me.name },
    content: { kind: "text", body: text },
    text,
    status: "queued",
    status_at: null,
    error: null,
    possible_duplicate: false,
    reply_to: null,
    turn_id: null,
    phone_number_id: null,
    at: new Date().toISOString(),
  };
}
