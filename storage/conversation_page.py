"""One conversation as a person reads it: messages, turns with their why, notes, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

MESSAGES_MAX: Final = 200
TURNS_MAX: Final = 100

# A question or notice about the AI that did not leave is no part of the consent's history (ai_consent_v1).
_HEAD: Final[LiteralString] = """
SELECT thread_number_v1(c) AS sticky_number, c.sticky_reason, n.display_phone, c.origin, c.created_at,
       k.purpose AS case_purpose, k.subject AS case_subject,
       s.state AS consent_state, s.at AS consent_at, s.text_version AS consent_text_version
  FROM conversations c
  LEFT JOIN physical_numbers n ON n.phone_number_id = thread_number_v1(c)
  LEFT JOIN cases k ON k.conversation_id = c.id AND k.active
  JOIN contacts p ON p.id = c.contact_id
  LEFT JOIN LATERAL (SELECT state, at, text_version FROM consents
                      WHERE contact_id = c.contact_id AND purpose = 'ai' AND state = ai_consent_v1(p)
                      ORDER BY at DESC, id DESC LIMIT 1) s ON true
 WHERE c.id = $1"""
_MESSAGES: Final[LiteralString] = """
SELECT m.id, m.seq, m.conversation_id, m.direction, m.author, m.operator_id, o.name AS operator_name,
       m.content, m.body, m.status, m.status_at, m.error, coalesce(r.id::text, m.reply_to_wamid) AS reply_to,
       m.turn_id, m.phone_number_id, m.sent_at,
       m.direction = 'outbound' AND EXISTS (SELECT 1 FROM outbox d WHERE d.message_id = m.id
           AND d.possible_duplicate) AS possible_duplicate
  FROM messages m
  LEFT JOIN operators o ON o.id = m.operator_id
  LEFT JOIN messages r ON r.wamid = m.reply_to_wamid
 WHERE m.conversation_id = $1 AND ($2::bigint IS NULL OR m.seq < $2)
 ORDER BY m.seq DESC LIMIT $3"""
_MESSAGES_BY_ID: Final[LiteralString] = """
SELECT m.id, m.seq, m.conversation_id, m.direction, m.author, m.operator_id, o.name AS operator_name,
       m.content, m.body, m.status, m.status_at, m.error, coalesce(r.id::text, m.reply_to_wamid) AS reply_to,
       m.turn_id, m.phone_number_id, m.sent_at,
       m.direction = 'outbound' AND EXISTS (SELECT 1 FROM outbox d WHERE d.message_id = m.id
           AND d.possible_duplicate) AS possible_duplicate
  FROM messages m
  LEFT JOIN operators o ON o.id = m.operator_id
  LEFT JOIN messages r ON r.wamid = m.reply_to_wamid
 WHERE m.id = ANY ($1::uuid[])"""
_TURNS: Final[LiteralString] = """
SELECT id, state, started_at, finished_at, playbook, inputs, context, reply, model_calls, tools,
       guardrails, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_micros,
       latency, outcome, actor
  FROM turns WHERE conversation_id = $1 ORDER BY started_at DESC LIMIT $2"""
_NOTES: Final[LiteralString] = """
SELECT id, author, body, at FROM notes WHERE conversation_id = $1 ORDER BY at DESC LIMIT 200"""
_HANDOFFS: Final[LiteralString] = """
SELECT h.reason, h.state, h.raised_by, h.queued_at, h.accepted_at, h.ended_at, o.name AS accepted_by
  FROM handoffs h LEFT JOIN operators o ON o.id = h.accepted_by
 WHERE h.conversation_id = $1 ORDER BY h.queued_at DESC LIMIT 50"""
_CONSENTS: Final[LiteralString] = """
SELECT s.state, s.at FROM consents s JOIN conversations c ON c.contact_id = s.contact_id
  LEFT JOIN messages m ON m.id = s.asked_message_id
 WHERE c.id = $1 AND s.purpose = 'ai'
   AND (s.state NOT IN ('asked', 'noticed')
        OR m.status IS NULL OR m.status NOT IN ('failed', 'parked', 'withdrawn'))
 ORDER BY s.at DESC LIMIT 50"""
_CALLS: Final[LiteralString] = """
SELECT subject, at, created_at FROM scheduled_calls WHERE conversation_id = $1
 ORDER BY created_at DESC LIMIT 50"""
_ACTIONS: Final[LiteralString] = """
SELECT a.at, a.action, a.details, o.name AS operator_name
  FROM audit a LEFT JOIN operators o ON a.actor = 'operator/' || o.id
 WHERE a.target IN (SELECT 'conversation/' || id FROM conversations WHERE id = $1 OR merged_into = $1)
   AND a.action NOT LIKE '%.read' AND a.action <> 'conversation.seen'
 ORDER BY a.seq DESC LIMIT 100"""
_PENDING: Final[LiteralString] = """
SELECT e.message_id FROM inbound_events e
 WHERE e.conversation_id = $1 AND e.worked_at IS NULL AND e.kind = 'message'
   AND e.message_id IS NOT NULL
 ORDER BY e.seq DESC LIMIT 200"""
_ASSIGNEES: Final[LiteralString] = """
SELECT id, assignee_id FROM conversations WHERE id = ANY ($1::uuid[])"""
_OWN: Final[LiteralString] = "SELECT id FROM conversations WHERE assignee_id = $1 LIMIT 10000"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPage:
    """Rows by table; oldest first. `earlier_messages`: there are more before the first."""

    head: dict[str, Any]
    messages: list[dict[str, Any]]
    earlier_messages: bool
    turns: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    handoffs: list[dict[str, Any]]
    consents: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    #: The contact's messages nobody has worked.
    pending: list[UUID]


async def find_page(
    pool: asyncpg.Pool[Any], conversation_id: UUID, *, messages_before: int | None = None
) -> ConversationPage | None:
    """Everything as of one moment; None when there is no such conversation."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        head = await connection.fetchrow(_HEAD, conversation_id)
        if head is None:
            return None

        async def rows(statement: LiteralString, *args: object) -> list[dict[str, Any]]:
            found = await connection.fetch(statement, conversation_id, *args)
            return [dict(row) for row in reversed(found)]

        messages = await rows(_MESSAGES, messages_before, MESSAGES_MAX + 1)
        earlier = len(messages) > MESSAGES_MAX
        return ConversationPage(
            head=dict(head),
            messages=messages[1:] if earlier else messages,
            earlier_messages=earlier,
            turns=await rows(_TURNS, TURNS_MAX),
            notes=await rows(_NOTES),
            handoffs=await rows(_HANDOFFS),
            consents=await rows(_CONSENTS),
            calls=await rows(_CALLS),
            actions=await rows(_ACTIONS),
            pending=[row["message_id"] for row in await rows(_PENDING)],
        )


async def list_messages_by_id(pool: asyncpg.Pool[Any], ids: list[UUID]) -> list[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(_MESSAGES_BY_ID, ids)]


async def list_assignees(pool: asyncpg.Pool[Any], ids: list[UUID]) -> dict[UUID, UUID | None]:
    """Whose each conversation is; one that does not exist is not in the answer."""
    return {row["id"]: row["assignee_id"] for row in await pool.fetch(_ASSIGNEES, ids)}


async def list_own_ids(pool: asyncpg.Pool[Any], operator_id: UUID) -> set[UUID]:
    return {row["id"] for row in await pool.fetch(_OWN, operator_id)}
