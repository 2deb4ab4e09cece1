import type { InfiniteData, QueryClient } from "@tanstack/react-query";
import type { InboxFilter } from "@/api/endpoints";
import type { Conversation, ConversationItem, Message, Page } from "@/api/types";

export const keys = {
  conversations: ["conversations"] as const,
  inbox: (filter: InboxFilter, search: string) => ["conversations", filter, search] as const,
  conversation: (id: string) => ["conversation", id] as const,
  system: ["system"] as const,
  numbers: ["numbers"] as const,
  actors: ["actors"] as const,
  metrics: ["metrics"] as const,
  invariants: ["invariants"] as const,
  me: ["me"] as const,
  users: ["users"] as const,
};

export type InboxPages = InfiniteData<Page<ConversationItem>, string | null>;

/** Whether the tab shows this conversation; the same rule the API applies to `mode` and `queue`. */
export function belongsTo(filter: InboxFilter, item: ConversationItem): boolean {
  switch (filter) {
    case "all":
      return true;
    case "queue":
      return item.handoff !== null && item.mode !== "operator" && item.mode !== "closed";
    default:
      return item.mode === filter;
  }
}

/** The pages with the item put where it belongs: updated, moved to the top, or taken out. */
export function placeInPages(
  pages: InboxPages,
  item: ConversationItem,
  filter: InboxFilter,
  search: string,
): InboxPages {
  const known = pages.pages.some((page) => page.items.some((row) => row.id === item.id));
  if (search) {
    // Whether a new row matches a search is the server's to say; known rows stay where they are.
    return known ? mapItems(pages, (row) => (row.id === item.id ? item : row)) : pages;
  }
  const without: InboxPages = {
    ...pages,
    pages: pages.pages.map((page) => ({ ...page, items: page.items.filter((row) => row.id !== item.id) })),
  };
  const [first, ...rest] = without.pages;
  if (!first || !belongsTo(filter, item)) return without;
  const older = first.items.findIndex((row) => row.updated_at <= item.updated_at);
  const at = older === -1 ? first.items.length : older;
  const items = [...first.items.slice(0, at), item, ...first.items.slice(at)];
  return { ...without, pages: [{ ...first, items }, ...rest] };
}

function mapItems(pages: InboxPages, change: (row: ConversationItem) => ConversationItem): InboxPages {
  return { ...pages, pages: pages.pages.map((page) => ({ ...page, items: page.items.map(change) })) };
}

export function applyConversation(client: QueryClient, item: ConversationItem): void {
  for (const query of client.getQueryCache().findAll({ queryKey: keys.conversations })) {
    const [, filter, search] = query.queryKey as ReturnType<typeof keys.inbox>;
    client.setQueryData<InboxPages>(query.queryKey, (pages) =>
      pages ? placeInPages(pages, item, filter, search) : pages,
    );
  }
  client.setQueryData<Conversation>(keys.conversation(item.id), (old) => (old ? { ...old, ...item } : old));
}

/** Delivery only moves forward, whatever order the events arrive in. */
const RANK: Record<Message["status"], number> = {
  received: 0,
  queued: 0,
  parked: 1,
  unknown: 1,
  accepted: 2,
  sent: 3,
  delivered: 4,
  read: 5,
  played: 6,
  withdrawn: 7,
  failed: 7,
};

export function mergeMessage(messages: Message[], message: Message): Message[] {
  const known = messages.find((row) => row.id === message.id);
  if (known) {
    const newest = RANK[message.status] >= RANK[known.status] ? message : known;
    return messages.map((row) => (row.id === message.id ? newest : row));
  }
  return [...messages, message].sort((a, b) => a.seq - b.seq);
}

export function applyMessage(client: QueryClient, conversationId: string, message: Message): void {
  client.setQueryData<Conversation>(keys.conversation(conversationId), (old) =>
    old ? { ...old, messages: mergeMessage(old.messages, message) } : old,
  );
}
