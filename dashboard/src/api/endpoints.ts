import { get, patch, post, postAnonymously } from "./client";
import type {
  Conversation,
  ConversationItem,
  Invariant,
  Me,
  Page,
  PhoneNumber,
  Priority,
  RayActor,
  Role,
  SentResult,
  SystemState,
  TakeoverResult,
  Tokens,
  User,
} from "./types";

/** The inbox's tabs. `queue` is the human queue: a hand-off is open, whoever speaks meanwhile. */
export type InboxFilter = "all" | "agent" | "queue" | "operator" | "closed";

const PAGE_SIZE = 50;

const FILTER_PARAMS: Record<InboxFilter, Record<string, string>> = {
  all: {},
  agent: { mode: "agent" },
  queue: { queue: "true" },
  operator: { mode: "operator" },
  closed: { mode: "closed" },
};

export function listConversations(
  filter: InboxFilter,
  search: string,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<ConversationItem>> {
  const params = new URLSearchParams({ limit: String(PAGE_SIZE), ...FILTER_PARAMS[filter] });
  if (search) params.set("q", search);
  if (cursor) params.set("cursor", cursor);
  return get(`/conversations?${params}`, signal);
}

export const getConversation = (id: string, signal: AbortSignal): Promise<Conversation> =>
  get(`/conversations/${id}`, signal);

/** The messages before `seq`, the same page otherwise. */
export const getEarlier = (id: string, seq: number): Promise<Conversation> =>
  get(`/conversations/${id}?messages_before=${seq}`);

const act = <T = unknown>(id: string, action: string, body: unknown = {}): Promise<T> =>
  post<T>(`/conversations/${id}/${action}`, body);

export const takeOver = (id: string): Promise<TakeoverResult> => act(id, "takeover");
/** `handledUpTo`: the last message that needs no answer, or "all"; null: up to the person's last message. */
export const handBack = (id: string, handledUpTo: string | null): Promise<unknown> =>
  act(id, "handback", handledUpTo === null ? {} : { handled_up_to: handledUpTo });
export const mute = (id: string): Promise<unknown> => act(id, "mute");
export const markRead = (id: string): Promise<unknown> => act(id, "read");
export const assign = (id: string, operatorId: string): Promise<unknown> =>
  act(id, "assign", { operator_id: operatorId });
export const qualify = (id: string, score: number): Promise<unknown> => act(id, "qualify", { score });
export const schedule = (id: string, at: string, subject: string): Promise<unknown> =>
  act(id, "schedule", { at, subject });

export const resendMessage = (id: string): Promise<unknown> => post(`/messages/${id}/resend`);
export const confirmArrival = (id: string): Promise<unknown> => post(`/messages/${id}/arrived`);
export const closeConversation = (id: string, reason: string): Promise<unknown> =>
  act(id, "close", reason ? { reason } : {});
export const addNote = (id: string, text: string): Promise<unknown> => act(id, "notes", { text });
export const whisper = (id: string, text: string): Promise<unknown> => act(id, "whisper", { text });

export const sendText = (id: string, text: string, key: string): Promise<SentResult> =>
  post("/conversation", { conversation_id: id, text }, key);

export const escalate = (id: string, reason: string, priority: Priority): Promise<{ handoff_id: string }> =>
  post("/escalate", { conversation_id: id, reason, priority });

export const getSystem = (signal: AbortSignal): Promise<SystemState> => get("/system", signal);
export const pauseAi = (reason: string): Promise<unknown> => post("/system/pause", { reason });
export const resumeAi = (): Promise<unknown> => post("/system/resume");

export const listNumbers = (signal: AbortSignal): Promise<Page<PhoneNumber>> => get("/numbers", signal);
export const drainNumber = (id: string): Promise<unknown> => post(`/numbers/${id}/drain`);
export const activateNumber = (id: string): Promise<unknown> => post(`/numbers/${id}/activate`);

export const listActors = (signal: AbortSignal): Promise<Page<RayActor>> => get("/actors", signal);
export const listInvariants = (signal: AbortSignal): Promise<Page<Invariant>> => get("/invariants", signal);
export const getMetrics = (signal: AbortSignal): Promise<Record<string, unknown>> => get("/metrics", signal);

export const listUsers = (signal: AbortSignal): Promise<Page<User>> => get("/users", signal);
export const createUser = (user: {
  name: string;
  email: string;
  role: Role;
  password: string;
}): Promise<User> => post("/users", user);
export const changeUser = (
  id: string,
  change: Partial<Pick<User, "name" | "role" | "active">>,
): Promise<User> => patch(`/users/${id}`, change);
export const changePassword = (current: string, next: string): Promise<unknown> =>
  post("/me/password", { current_password: current, new_password: next });

export const getMe = (signal: AbortSignal): Promise<Me> => get("/me", signal);
export const logIn = (email: string, password: string): Promise<Tokens> =>
  postAnonymously("/auth/login", { email, password });
export const logOut = (refreshToken: string): Promise<unknown> =>
  postAnonymously("/auth/logout", { refresh_token: refreshToken });
