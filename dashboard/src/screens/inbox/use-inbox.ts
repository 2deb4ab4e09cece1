import { useInfiniteQuery } from "@tanstack/react-query";
import { type InboxFilter, listConversations } from "@/api/endpoints";
import { keys } from "@/live/live-cache";

/** The conversations of one tab, newest first, page by page; the feed keeps them fresh. */
export function useInbox(filter: InboxFilter, search: string) {
  return useInfiniteQuery({
    queryKey: keys.inbox(filter, search),
    queryFn: ({ pageParam, signal }) => listConversations(filter, search, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: (previous) => previous,
    select: (data) => {
      // A row that moved up between two pages would otherwise show twice.
      const seen = new Set<string>();
      return data.pages
        .flatMap((page) => page.items)
        .filter((item) => !seen.has(item.id) && seen.add(item.id));
    },
  });
}
