import { expect, test } from "vitest";
import { type InboxPages, mergeMessage, placeInPages } from "@/live/live-cache";
import { aMessage, anItem } from "./factories";

const pages = (...ids: string[]): InboxPages => ({
  pages: [
    {
      items: ids.map((id, index) => anItem({ id, updated_at: `2026-11-10T12:00:0${9 - index}Z` })),
      next_cursor: null,
    },
  ],
  pageParams: [null],
});

const idsOf = (value: InboxPages) => value.pages.flatMap((page) => page.items.map(({ id }) => id));

test("a conversation that moved goes to the top of its tab", () => {
  const item = anItem({ id: "c", updated_at: "2026-11-10T13:00:00Z" });
  expect(idsOf(placeInPages(pages("a", "b", "c"), item, "all", ""))).toEqual(["c", "a", "b"]);
});

test("a conversation taken over leaves the AI tab", () => {
  const item = anItem({ id: "b", mode: "operator" });
  expect(idsOf(placeInPages(pages("a", "b"), item, "agent", ""))).toEqual(["a"]);
});

test("a new hand-off appears in the queue tab", () => {
  const handoff = { id: "h", reason: "r", priority: "high", state: "queued", queued_at: "" } as const;
  const item = anItem({ id: "n", handoff, updated_at: "2026-11-10T13:00:00Z" });
  expect(idsOf(placeInPages(pages("a"), item, "queue", ""))).toEqual(["n", "a"]);
});

test("search results are updated in place and never joined by strangers", () => {
  const found = pages("a", "b");
  const renewed = placeInPages(found, anItem({ id: "b", unread_count: 3 }), "all", "maria");
  expect(idsOf(renewed)).toEqual(["a", "b"]);
  expect(renewed.pages[0]?.items[1]?.unread_count).toBe(3);
  expect(placeInPages(found, anItem({ id: "x" }), "all", "maria")).toBe(found);
});

test("ticks never go back when statuses arrive out of order", () => {
  const read = aMessage({ id: "m", seq: 1, status: "read" });
  const delivered = aMessage({ id: "m", seq: 1, status: "delivered" });
  expect(mergeMessage([read], delivered)[0]?.status).toBe("read");
  expect(mergeMessage([delivered], read)[0]?.status).toBe("read");
});

test("a late message takes its place by seq", () => {
  const merged = mergeMessage([aMessage({ id: "b", seq: 2 })], aMessage({ id: "a", seq: 1 }));
  expect(merged.map(({ id }) => id)).toEqual(["a", "b"]);
});
