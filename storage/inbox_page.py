"""What the inbox shows: a page of conversations, or some of them by id. Reads only.

Rows are unmasked and carry everything the API's item needs; who may see what is decided there.
"""
# ruff: noqa: S608 -- every fragment put together here is a literal of this file

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.phone import canonical, digits
from domain.storable import storable_text

PAGE_MAX: Final = 200
#: A search looks at no more than this many of the newest messages that fit, and as many contacts.
HITS_MAX: Final = 1000

# $1 ids in the order wanted, $2 the quiet period.
_ITEMS: Final[LiteralString] = """
SELECT c.id, c.mode, c.epoch, c.version, c.score, c.unread_count, c.updated_at, c.cost_micros,
       c.handled_up_to, c.assignee_id, a.name AS assignee_name,
       p.id AS contact_id, p.name AS contact_name, ai_consent_v1(p) AS ai_consent,
       p.ai_consent = 'asked' AS consent_asked, who.phone, who.username,
       f.id AS facade_id, f.name AS facade_name,
       h.id AS handoff_id, h.reason AS handoff_reason, h.priority AS handoff_priority,
       h.state AS handoff_state, h.queued_at AS handoff_queued_at,
       CASE WHEN h.state = 'queued' THEN (SELECT count(*) FROM handoffs q
            WHERE q.state = 'queued' AND q.queued_at <= h.queued_at) END AS handoff_position,
       m.body AS last_text, m.author AS last_author, m.direction AS last_direction,
       m.status AS last_status, m.sent_at AS last_at,
       (SELECT w.open_until FROM service_windows w
         WHERE w.contact_id = c.contact_id AND w.open_until > now()
           AND w.phone_number_id = thread_number_v1(c)) AS window_open_until,
       pending.newest AS pending_newest,
       pending.newest + $2::interval > clock_timestamp() AS pending_is_quiet,
       EXISTS (SELECT 1 FROM outbox o WHERE o.conversation_id = c.id
                  AND o.state IN ('queued', 'claimed', 'unknown')) AS sending,
       EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused') AS ai_paused
  FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
  JOIN conversations c ON c.id = wanted.id AND c.merged_into IS NULL
  JOIN contacts p ON p.id = c.contact_id
  JOIN facades f ON f.id = c.facade_id
  LEFT JOIN operators a ON a.id = c.assignee_id
  LEFT JOIN messages m ON m.id = c.last_message_id
  LEFT JOIN LATERAL (
      SELECT max(i.value) FILTER (WHERE i.kind = 'phone') AS phone, max(i.username) AS username
        FROM channel_identities i WHERE i.contact_id = p.id AND i.superseded_at IS NULL) who ON true
  LEFT JOIN handoffs h ON h.conversation_id = c.id AND h.state IN ('queued', 'accepted')
  LEFT JOIN LATERAL (
      SELECT max(e.received_at) AS newest FROM inbound_events e
       WHERE e.conversation_id = c.id AND e.worked_at IS NULL AND e.kind = 'message') pending ON true
 ORDER BY wanted.place"""

# Each takes what it needs from: $1 row scope, $2 limit, $3/$4 cursor, $5 mode, $6 assignee,
# $7 words, $8 phone patterns, $9 name pattern.
_PAGE: Final[LiteralString] = """
SELECT c.id, c.updated_at FROM conversations c
 WHERE c.merged_into IS NULL
   AND ($3::timestamptz IS NULL OR (c.updated_at, c.id) < ($3, $4::uuid))
   AND $5::text IS NOT DISTINCT FROM $5 AND $6::uuid IS NOT DISTINCT FROM $6
   AND $7::text IS NOT DISTINCT FROM $7 AND $8::text[] IS NOT DISTINCT FROM $8
   AND $9::text IS NOT DISTINCT FROM $9 AND $1::uuid IS NOT DISTINCT FROM $1"""
_END: Final[LiteralString] = " ORDER BY c.updated_at DESC, c.id DESC LIMIT $2"
_SCOPE: Final[LiteralString] = " AND c.assignee_id = $1::uuid"
# The literal lets PostgreSQL take the partial index.
_MODE_AGENT: Final[LiteralString] = " AND c.mode = 'agent' AND c.mode = $5"
_MODE_OTHER: Final[LiteralString] = " AND c.mode <> 'agent' AND c.mode = $5"
_ASSIGNEE: Final[LiteralString] = " AND c.assignee_id = $6::uuid"
_UNASSIGNED: Final[LiteralString] = " AND c.assignee_id IS NULL"
_QUEUE: Final[LiteralString] = """
   AND c.mode NOT IN ('operator', 'closed')
   AND c.id IN (SELECT h.conversation_id FROM handoffs h WHERE h.state IN ('queued', 'accepted'))"""
_NOT_QUEUE: Final[LiteralString] = """
   AND NOT EXISTS (SELECT 1 FROM handoffs h
                    WHERE h.conversation_id = c.id AND h.state IN ('queued', 'accepted'))"""

_PEOPLE: Final[LiteralString] = """
   SELECT p.id FROM (
       (SELECT id FROM contacts WHERE $9::text IS NOT NULL AND plain_v1(name) LIKE plain_v1($9) LIMIT 1000)
       UNION
       (SELECT contact_id FROM channel_identities
         WHERE $8::text[] IS NOT NULL AND kind = 'phone' AND superseded_at IS NULL
           AND value LIKE ANY ($8::text[]) LIMIT 1000)) p"""
# Newest first, so that a common word ends after a short walk and a rare one goes by its index.
_HITS: Final[LiteralString] = (
    """
   AND c.id IN (
       SELECT k.id FROM conversations k WHERE k.contact_id IN ("""
    + _PEOPLE
    + """)
       UNION
       SELECT hit.conversation_id FROM (
           SELECT m.conversation_id FROM messages m
            WHERE m.search @@ websearch_to_tsquery('vitrine_pt', $7)
            ORDER BY m.seq DESC LIMIT 1000) hit)"""
)
# In one person's own conversations the search is whole: they are few.
_OWN_HITS: Final[LiteralString] = (
    """
   AND (c.contact_id IN ("""
    + _PEOPLE
    + """)
        OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = c.id
                      AND m.search @@ websearch_to_tsquery('vitrine_pt', $7)))"""
)

_PHONE_LIKE: Final = re.compile(r"[\d\s()+.\-]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFilter:
    """`scope`: only conversations assigned to this operator (row scope), None for every row."""

    scope: UUID | None = None
    q: str = ""
    mode: str | None = None
    assignee: UUID | None = None
    unassigned: bool = False
    queue: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCursor:
    updated_at: datetime
    id: UUID


class InboxPage:
    def __init__(self, pool: asyncpg.Pool[Any], *, quiet: timedelta) -> None:
        self._pool = pool
        self._quiet = quiet

    async def list_page(
        self, wanted: InboxFilter, *, limit: int, after: InboxCursor | None
    ) -> tuple[list[dict[str, Any]], InboxCursor | None]:
        """Newest first; the cursor is None on the last page. The text of `q` is data, never syntax."""
        args = (
            wanted.scope, limit + 1, after.updated_at if after else None, after.id if after else None,
            wanted.mode, wanted.assignee, *_search_terms(wanted.q),
        )  # fmt: skip
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            # The best plan depends on the words: a plan for any words would be the wrong one.
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            rows = await connection.fetch(_page_statement(wanted), *args)
            ids = [row["id"] for row in rows[:limit]]
            items = [dict(r) for r in await connection.fetch(_ITEMS, ids, self._quiet)]
        if len(rows) <= limit:
            return items, None
        last = rows[limit - 1]
        return items, InboxCursor(updated_at=last["updated_at"], id=last["id"])

    async def list_items(self, ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """Those of `ids` that exist and were not merged away, in that order."""
        return [dict(r) for r in await self._pool.fetch(_ITEMS, list(ids), self._quiet)]

    async def find_item(self, conversation_id: UUID) -> dict[str, Any] | None:
        rows = await self.list_items([conversation_id])
        return rows[0] if rows else None


def _page_statement(wanted: InboxFilter) -> LiteralString:
    statement = _PAGE
    if wanted.scope is not None:
        statement += _SCOPE
    if wanted.mode is not None:
        statement += _MODE_AGENT if wanted.mode == "agent" else _MODE_OTHER
    if wanted.assignee is not None:
        statement += _ASSIGNEE
    if wanted.unassigned:
        statement += _UNASSIGNED
    if wanted.queue is not None:
        statement += _QUEUE if wanted.queue else _NOT_QUEUE
    if wanted.q.strip():
        statement += _HITS if wanted.scope is None else _OWN_HITS
    return statement + _END


def _search_terms(q: str) -> tuple[str | None, list[str] | None, str | None]:
    """(words, phone patterns, name pattern) of what was typed."""
    words = storable_text(q).strip()
    if not words:
        return None, None, None
    name = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return words, _phone_patterns(words), name


def _phone_patterns(words: str) -> list[str] | None:
    """Stored are E.164 digits with the ninth digit; typed is any part, with or without 55 and the 9."""
    if not _PHONE_LIKE.fullmatch(words):
        return None
    typed = digits(words).lstrip("0")
    if len(typed) < 3:
        return None
    forms = {typed, canonical(typed), canonical(f"55{typed}")} if len(typed) >= 8 else {typed}
    patterns = {f"%{form}%" for form in forms}
    if len(typed) == 8:
        patterns = {f"%{typed}%"}
    return sorted(patterns)
