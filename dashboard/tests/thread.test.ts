import { expect, test } from "vitest";
import { composeThread } from "@/screens/conversation/thread";
import { aConversation, aMessage, aTurn } from "./factories";

const keysOf = (conversation: Parameters<typeof composeThread>[0]) =>
  composeThread(conversation).flatMap((day) => day.entries.map((entry) => entry.key));

test("messages are read in the order of seq, whatever order they came in", () => {
  const conversation = aConversation({
    messages: [aMessage({ id: "b", seq: 2 }), aMessage({ id: "a", seq: 1 })],
  });
  expect(keysOf(conversation)).toEqual(["a", "b"]);
});

test("a turn stands once, right before the first message it wrote", () => {
  const wrote = { direction: "outbound", author: "agent", turn_id: "t" } as const;
  const conversation = aConversation({
    messages: [
      aMessage({ id: "ask", seq: 1 }),
      aMessage({ id: "one", seq: 2, ...wrote }),
      aMessage({ id: "two", seq: 3, ...wrote }),
    ],
    turns: [aTurn({ id: "t" })],
  });
  expect(keysOf(conversation)).toEqual(["ask", "t", "one", "two"]);
});

test("a turn that wrote nothing stands where it started", () => {
  const conversation = aConversation({
    messages: [aMessage({ id: "first", seq: 1 }), aMessage({ id: "second", seq: 9 })],
    turns: [aTurn({ id: "fenced", state: "fenced", started_at: "2026-11-10T12:00:05Z" })],
  });
  expect(keysOf(conversation)).toEqual(["first", "fenced", "second"]);
});

test("notes and events after the last message close the thread", () => {
  const conversation = aConversation({
    messages: [aMessage({ id: "only", seq: 1 })],
    notes: [{ id: "note", author: "Ana", text: "ligar amanhã", at: "2026-11-10T12:30:00Z" }],
  });
  expect(keysOf(conversation)).toEqual(["only", "note"]);
});

test("the timeline repeats nothing that the thread shows by itself", () => {
  const at = "2026-11-10T12:30:00Z";
  const kinds = ["turn.fenced", "message.failed", "conversation.note", "conversation.takeover"];
  const conversation = aConversation({ timeline: kinds.map((kind) => ({ at, kind, text: kind })) });
  const [day] = composeThread(conversation);
  expect(day?.entries.map((entry) => (entry.kind === "event" ? entry.event.kind : ""))).toEqual([
    "conversation.takeover",
  ]);
});
