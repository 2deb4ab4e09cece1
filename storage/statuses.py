"""Delivery statuses: stored by the intake, applied here set-based and only forward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import asyncpg

from domain.ids import ConversationId, MessageId, OutboxId, PhysicalNumberId
from domain.outbox import OutboxState

# A status finds its message by wamid, or, when it beats the answer to our POST, by our attempt.
# Several statuses of one message in one set: the highest wins.
APPLY: Final[LiteralString] = """
WITH due AS MATERIALIZED (
    SELECT s.seq, s.wamid, s.status, s.attempt_id, s.at, s.payload
      FROM message_statuses s
     WHERE s.applied_at IS NULL AND s.seq = ANY ($1)
     ORDER BY s.seq FOR UPDATE SKIP LOCKED
), found AS MATERIALIZED (
    SELECT d.seq, d.wamid, d.status, d.at, d.payload, d.attempt_id,
           coalesce(o.message_id, m.id) AS message_id, coalesce(o.id, w.id) AS outbox_id
      FROM due d
      LEFT JOIN send_attempts a ON a.id = d.attempt_id
      LEFT JOIN outbox o ON o.id = a.outbox_id
      LEFT JOIN messages m ON m.wamid = d.wamid AND m.direction = 'outbound'
      LEFT JOIN outbox w ON w.message_id = m.id
     WHERE coalesce(o.message_id, m.id) IS NOT NULL
), best AS MATERIALIZED (
    SELECT DISTINCT ON (message_id) * FROM found
     ORDER BY message_id, status_rank_v1(status) DESC, seq DESC
), priced AS MATERIALIZED (
    SELECT DISTINCT ON (message_id) message_id, payload -> 'pricing' AS pricing FROM found
     WHERE payload -> 'pricing' IS NOT NULL AND payload -> 'pricing' <> 'null'
     ORDER BY message_id, seq DESC
), settled AS (
    UPDATE outbox o SET state = 'accepted', settled_at = clock_timestamp(), reason = ''
      FROM best b WHERE o.id = b.outbox_id AND b.status <> 'failed'
       AND o.state IN ('claimed', 'unknown', 'parked', 'queued') AND o.attempts > 0
    RETURNING o.id
), moved AS (  -- after `settled`: the row is locked before its message, as everywhere
    UPDATE messages m SET status = b.status, status_at = b.at, wamid = coalesce(m.wamid, b.wamid),
           pricing = coalesce(p.pricing, m.pricing),
           error = CASE WHEN b.status = 'failed' THEN jsonb_build_object('reason', 'failed',
               'code', b.payload #> '{errors,0,code}', 'detail', b.payload #> '{errors,0,title}')
               ELSE m.error END
      FROM best b LEFT JOIN priced p ON p.message_id = b.message_id
     WHERE m.id = b.message_id AND status_rank_v1(b.status) > status_rank_v1(m.status)
       AND (SELECT count(*) FROM settled) >= 0
    RETURNING m.id
), attempted AS (
    UPDATE send_attempts a SET outcome = 'accepted', wamid = f.wamid,
           finished_at = coalesce(a.finished_at, clock_timestamp())
      FROM (SELECT DISTINCT ON (attempt_id) attempt_id, wamid FROM found
             WHERE attempt_id IS NOT NULL ORDER BY attempt_id, seq) f
     WHERE a.id = f.attempt_id AND a.outcome IS DISTINCT FROM 'accepted'
), done AS (
    UPDATE message_statuses s SET applied_at = clock_timestamp() FROM found f WHERE s.seq = f.seq
)
SELECT b.message_id, b.outbox_id, b.status, b.at, b.payload, m.conversation_id, m.author,
       m.phone_number_id, coalesce(w.attempts, 0) AS attempts, moved.id IS NOT NULL AS moved, settled.id IS NOT NULL AS settled,
       EXISTS (SELECT 1 FROM outbox q WHERE q.conversation_id = m.conversation_id
                  AND q.state = 'queued') AS others_wait
  FROM best b JOIN messages m ON m.id = b.message_id
  LEFT JOIN outbox w ON w.id = b.outbox_id
  LEFT JOIN moved ON moved.id = b.message_id
  LEFT JOIN settled ON settled.id = b.outbox_id
"""

# What beat its own message, or was stored by a process that died before it applied it.
LIST_UNAPPLIED: Final[LiteralString] = """
SELECT seq FROM message_statuses WHERE applied_at IS NULL
   AND received_at < clock_timestamp() - interval '1 second'
 ORDER BY seq LIMIT $1
"""

# Ours name an attempt that is committed before its POST, so they find their message at once. What no
# message has after ten minutes was sent by another system on the same number: kept, not asked again.
DISMISS_FOREIGN: Final[LiteralString] = """
UPDATE message_statuses SET applied_at = clock_timestamp()
 WHERE applied_at IS NULL AND received_at < clock_timestamp() - interval '10 minutes'
"""

# The retry of an asynchronous failure: the row goes back to the queue with a new claim to come.
REQUEUE_FAILED: Final[LiteralString] = """
WITH back AS (
    UPDATE outbox SET state = 'queued', not_before = clock_timestamp() + make_interval(secs => $2),
           reason = $3, settled_at = NULL WHERE id = $1 AND state = 'accepted' RETURNING message_id
)
UPDATE messages m SET status = 'queued', wamid = NULL, status_at = clock_timestamp()
  FROM back WHERE m.id = back.message_id
"""

GIVE_UP_FAILED: Final[LiteralString] = """
WITH lost AS (
    UPDATE outbox SET state = $4, reason = $2, settled_at = clock_timestamp()
     WHERE id = $1 AND state IN ('accepted', 'claimed', 'unknown', 'parked')
    RETURNING id, seq, turn_id, conversation_id, message_id
), shown AS (
    UPDATE messages m SET status = $4, status_at = clock_timestamp(),
           error = jsonb_build_object('reason', $2::text, 'code', $3::int)
      FROM lost WHERE m.id = lost.message_id AND $4 = 'parked'
), rest AS (
    UPDATE outbox o SET state = 'withdrawn', reason = 'earlier_bubble_failed',
           settled_at = clock_timestamp()
      FROM lost WHERE o.turn_id = lost.turn_id AND o.seq > lost.seq AND o.state = 'queued'
    RETURNING o.message_id
), unshown AS (
    UPDATE messages m SET status = 'withdrawn', status_at = clock_timestamp(),
           error = '{"reason": "earlier_bubble_failed"}' FROM rest WHERE m.id = rest.message_id
)
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
SELECT gen_random_uuid(), 'send_failed:' || lost.id, 'send_failed', lost.conversation_id,
       jsonb_build_object('outbox_id', lost.id, 'message_id', lost.message_id, 'reason', $2::text,
                          'code', $3::int), clock_timestamp()
  FROM lost ON CONFLICT (dedupe_key) DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedStatus:
    """One message's best new status. `moved`: the message went forward by it."""

    message_id: MessageId
    outbox_id: OutboxId | None
    conversation_id: ConversationId
    phone_number_id: PhysicalNumberId | None
    author: str
    status: str
    at: datetime
    payload: Mapping[str, Any]
    attempts: int
    moved: bool
    settled: bool
    others_wait: bool

    @property
    def error_code(self) -> int | None:
        errors = self.payload.get("errors") or ()
        return errors[0].get("code") if errors else None


class StatusStore:
    """Applies statuses in sets; applying one twice, late or out of order changes nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def apply(self, seqs: Sequence[int]) -> list[AppliedStatus]:
        rows = await self._pool.fetch(APPLY, list(seqs))
        return [AppliedStatus(**dict(row)) for row in rows]

    async def apply_left_over(self, *, limit: int = 500) -> list[AppliedStatus]:
        """What nobody applied: its process died, or its message was not known yet."""
        rows = await self._pool.fetch(LIST_UNAPPLIED, limit)
        return await self.apply([row["seq"] for row in rows]) if rows else []

    async def dismiss_foreign(self) -> None:
        await self._pool.execute(DISMISS_FOREIGN)

    async def requeue_failed(self, outbox_id: OutboxId, *, after_s: float, reason: str) -> None:
        await self._pool.execute(REQUEUE_FAILED, outbox_id, after_s, reason)

    async def give_up_failed(
        self, outbox_id: OutboxId, *, state: OutboxState, reason: str, code: int | None
    ) -> None:
        """No more tries (`state` failed, or parked for a person): later bubbles are withdrawn."""
        await self._pool.execute(GIVE_UP_FAILED, outbox_id, reason, code, state)
