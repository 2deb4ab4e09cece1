"""The outbox: what waits to leave, the claim, and what came of each attempt."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, LiteralString

import asyncpg

from config import limits
from domain.ids import AttemptId, ConversationId
from domain.outbox import Accepted, Claim, ClaimVerdict, Lane, NotAccepted, OutboxRow

# Conversations whose lowest waiting row is due and may leave by its number, the longest due first. What
# waits for a blocked number would otherwise fill the list and keep everybody else from their turn.
LIST_DUE: Final[LiteralString] = """
SELECT o.conversation_id AS id FROM outbox o JOIN conversations c ON c.id = o.conversation_id
  JOIN physical_numbers n ON n.phone_number_id = coalesce(o.phone_number_id, thread_number_v1(c))
 WHERE o.state = 'queued' AND o.not_before <= now() AND o.business_initiated = $3
   AND o.created_at < now() - $1::interval
   AND n.state IN ('active', 'draining') AND n.health NOT IN ('paused', 'banned')
   AND NOT (o.author = 'agent' AND EXISTS (SELECT 1 FROM switches WHERE name = 'ai_paused'))
   AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.conversation_id = o.conversation_id
        AND b.seq < o.seq AND b.state IN ('queued', 'claimed', 'unknown')
        AND NOT (o.author = 'operator' AND b.author = 'agent' AND b.state = 'unknown'))
 ORDER BY o.not_before LIMIT $2
"""

CLAIM_NEXT: Final[LiteralString] = "SELECT * FROM claim_next_v1($1, $2, $3, $4, $5, $6, $7, $8)"

RECORD_ACCEPTED: Final[LiteralString] = """
WITH attempt AS (
    UPDATE send_attempts SET finished_at = clock_timestamp(), outcome = 'accepted', wamid = $3,
           http_status = $5 WHERE id = $1
), taken AS (
    UPDATE outbox SET state = 'accepted', settled_at = clock_timestamp(), reason = ''
     WHERE id = $2 AND state IN ('claimed', 'unknown') RETURNING message_id, contact_id, phone_number_id
), shown AS (
    UPDATE messages m SET wamid = $3, phone_number_id = o.phone_number_id,
           status = CASE WHEN status_rank_v1(m.status) < status_rank_v1('accepted')
                         THEN 'accepted' ELSE m.status END,
           status_at = CASE WHEN status_rank_v1(m.status) < status_rank_v1('accepted')
                            THEN clock_timestamp() ELSE m.status_at END
      FROM outbox o WHERE o.id = $2 AND m.id = o.message_id
       AND (SELECT count(*) FROM taken) >= 0  -- the row is locked before its message, as everywhere
), known AS (
    UPDATE channel_identities i SET wa_id = $4 FROM taken
     WHERE i.contact_id = taken.contact_id AND i.kind = 'phone' AND i.superseded_at IS NULL
       AND $4::text IS NOT NULL AND i.wa_id IS DISTINCT FROM $4
)
SELECT EXISTS (SELECT 1 FROM outbox mine JOIN outbox o USING (conversation_id)
                WHERE mine.id = $2 AND o.id <> mine.id AND o.state = 'queued')
"""

RECORD_NOT_ACCEPTED: Final[LiteralString] = """
WITH attempt AS (
    UPDATE send_attempts SET finished_at = clock_timestamp(), outcome = $3, http_status = $4,
           code = $5, detail = $6 WHERE id = $1 AND outcome IS NULL
), changed AS (
    UPDATE outbox SET state = $7, reason = $8,
           not_before = clock_timestamp() + make_interval(secs => $9),
           settled_at = CASE WHEN $7 IN ('failed', 'parked') THEN clock_timestamp() END
     WHERE id = $2 AND state = 'claimed' RETURNING id, seq, message_id, conversation_id, turn_id
), shown AS (
    UPDATE messages m SET status = $7, status_at = clock_timestamp(),
           error = jsonb_build_object('reason', $8::text, 'code', $5::int, 'detail', $6::text)
      FROM changed WHERE m.id = changed.message_id AND $7 <> 'queued'
       AND status_rank_v1(m.status) < status_rank_v1('sent')
), rest AS (
    UPDATE outbox o SET state = 'withdrawn', reason = 'earlier_bubble_failed',
           settled_at = clock_timestamp()
      FROM changed WHERE $7 IN ('failed', 'parked') AND o.turn_id = changed.turn_id
       AND o.seq > changed.seq AND o.state = 'queued' RETURNING o.message_id
), unshown AS (
    UPDATE messages m SET status = 'withdrawn', status_at = clock_timestamp(),
           error = '{"reason": "earlier_bubble_failed"}' FROM rest WHERE m.id = rest.message_id
), filed AS (
    INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
    SELECT gen_random_uuid(), 'send_failed:' || changed.id, 'send_failed', changed.conversation_id,
           jsonb_build_object('outbox_id', changed.id, 'message_id', changed.message_id,
                              'code', $5::int, 'reason', $8::text), clock_timestamp()
      FROM changed WHERE $7 IN ('failed', 'parked')
    ON CONFLICT (dedupe_key) DO NOTHING
)
SELECT 1
"""

# A claim whose process died between claim and result: the outcome is unknown from its time limit on.
FIND_LOST_CLAIMS: Final[LiteralString] = """
WITH lost AS (
    UPDATE outbox SET state = 'unknown', reason = 'its sender died',
           not_before = claimed_at + $1::interval + $2::interval
     WHERE state = 'claimed' AND claimed_at < clock_timestamp() - $1::interval
    RETURNING id, message_id, conversation_id
), shown AS (
    UPDATE messages m SET status = 'unknown', status_at = clock_timestamp() FROM lost
     WHERE m.id = lost.message_id AND status_rank_v1(m.status) < status_rank_v1('unknown')
)
SELECT conversation_id AS id FROM lost
"""

# Grace over without a status: an in-window agent or system reply without money goes once more and
# is counted; everything else waits for a person.
SETTLE_UNKNOWN: Final[LiteralString] = """
WITH due AS (
    SELECT o.id, o.message_id, o.conversation_id,
           o.author IN ('agent', 'system') AND NOT o.carries_money AND NOT o.business_initiated
             AND o.content ->> 'kind' <> 'template' AND NOT o.possible_duplicate AS again
      FROM outbox o
     WHERE o.state = 'unknown' AND o.not_before <= clock_timestamp()
       AND $1::timestamptz + $2::interval <= clock_timestamp()
     ORDER BY o.id LIMIT 200 FOR UPDATE SKIP LOCKED
), changed AS (
    UPDATE outbox o SET state = CASE WHEN due.again THEN 'queued' ELSE 'parked' END,
           possible_duplicate = o.possible_duplicate OR due.again,
           reason = CASE WHEN due.again THEN 'resent after the grace' ELSE 'unknown_outcome' END,
           not_before = clock_timestamp(),
           settled_at = CASE WHEN due.again THEN NULL ELSE clock_timestamp() END
      FROM due WHERE o.id = due.id
    RETURNING o.id, o.message_id, o.conversation_id, o.state
), shown AS (
    UPDATE messages m SET status = changed.state, status_at = clock_timestamp(),
           error = jsonb_build_object('reason', 'unknown_outcome')
      FROM changed WHERE m.id = changed.message_id
       AND status_rank_v1(m.status) < status_rank_v1('sent')
), filed AS (
    INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
    SELECT gen_random_uuid(), 'parked:' || changed.id, 'send_failed', changed.conversation_id,
           jsonb_build_object('outbox_id', changed.id, 'message_id', changed.message_id,
                              'reason', 'unknown_outcome'), clock_timestamp()
      FROM changed WHERE changed.state = 'parked'
    ON CONFLICT (dedupe_key) DO NOTHING
)
SELECT conversation_id AS id, state FROM changed
"""

# A row that waits for a blocked number is told to a person, once: the number may be away for hours.
FILE_BLOCKED: Final[LiteralString] = """
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
SELECT gen_random_uuid(), 'blocked:' || o.id, 'send_failed', o.conversation_id,
       jsonb_build_object('outbox_id', o.id, 'message_id', o.message_id, 'reason', 'number_blocked'),
       clock_timestamp()
  FROM outbox o JOIN conversations c ON c.id = o.conversation_id
  JOIN physical_numbers n
    ON n.phone_number_id = coalesce(o.phone_number_id, thread_number_v1(c))
 WHERE o.state = 'queued' AND o.not_before <= clock_timestamp()
   AND o.created_at < clock_timestamp() - interval '1 minute'
   AND (n.state IN ('quarantined', 'disabled') OR n.health IN ('paused', 'banned'))
ON CONFLICT (dedupe_key) DO NOTHING RETURNING conversation_id AS id
"""


class Outbox:
    """The only door to the outbox and its attempts."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim_next(
        self,
        conversation_id: ConversationId,
        attempt_id: AttemptId,
        *,
        lane: Lane | None,
        sender: str,
    ) -> Claim:
        """Takes the conversation's next row for one POST if everything that forbids it is absent.

        `lane` is where the caller has paced; None asks which one that would be. See `claim_send_v2`.
        """
        row = await self._pool.fetchrow(
            CLAIM_NEXT,
            conversation_id,
            attempt_id,
            None if lane is None else lane.phone_number_id,
            lane is not None and lane.business_initiated,
            sender,
            limits.AGENT_MESSAGES_PER_HOUR,
            limits.AGENT_MESSAGES_PER_DAY,
            limits.SENT_WAIT,
        )
        assert row is not None  # noqa: S101 - the function always returns one row
        return Claim(
            verdict=ClaimVerdict(row["verdict"]),
            row=_row(conversation_id, row),
            attempt_n=row["attempt_n"],
            retry_after=row["retry_after"],
        )

    async def record_accepted(self, accepted: Accepted) -> bool:
        """Meta answered 200 with a wamid. A status may have told it before: then nothing moves back.

        Whether another row of the conversation waits.
        """
        waits: bool = await self._pool.fetchval(
            RECORD_ACCEPTED,
            accepted.attempt_id,
            accepted.outbox_id,
            accepted.wamid,
            accepted.wa_id,
            accepted.http_status,
        )
        return waits

    async def record_not_accepted(self, result: NotAccepted) -> None:
        await self._pool.execute(
            RECORD_NOT_ACCEPTED,
            result.attempt_id,
            result.outbox_id,
            result.outcome,
            result.http_status,
            result.code,
            result.detail[:500],
            result.next_state,
            result.reason,
            result.retry_after_s,
        )

    async def list_due(
        self, *, older_than: timedelta, limit: int, business_initiated: bool
    ) -> list[ConversationId]:
        """Conversations with a row that should have left; young rows belong to their committer."""
        rows = await self._pool.fetch(LIST_DUE, older_than, limit, business_initiated)
        return [ConversationId(row["id"]) for row in rows]

    async def find_lost_claims(self) -> list[ConversationId]:
        rows = await self._pool.fetch(
            FIND_LOST_CLAIMS, limits.SEND_TIMEOUT + limits.CLAIM_MARGIN, limits.UNKNOWN_GRACE
        )
        return [ConversationId(row["id"]) for row in rows]

    async def file_blocked(self) -> list[ConversationId]:
        """Conversations whose message waits for a number that cannot send; each told once."""
        rows = await self._pool.fetch(FILE_BLOCKED)
        return [ConversationId(row["id"]) for row in rows]

    async def settle_unknown(self, *, healthy_since: datetime) -> list[tuple[ConversationId, str]]:
        """Ends the grace of unknown rows; it only counts while intake was healthy since then."""
        rows = await self._pool.fetch(SETTLE_UNKNOWN, healthy_since, limits.UNKNOWN_GRACE)
        return [(ConversationId(row["id"]), row["state"]) for row in rows]


def _row(conversation_id: ConversationId, row: asyncpg.Record) -> OutboxRow | None:
    if row["id"] is None or row["phone_number_id"] is None:
        return None
    return OutboxRow(
        id=row["id"],
        conversation_id=conversation_id,
        message_id=row["message_id"],
        content=row["content"],
        reply_to_wamid=row["reply_to_wamid"],
        lane=Lane(
            phone_number_id=row["phone_number_id"],
            contact_id=row["contact_id"],
            messages_per_second=row["messages_per_second"],
            business_initiated=row["business_initiated"],
        ),
        number_reason=row["number_reason"],
        wa_id=row["wa_id"],
        bsuid=row["bsuid"],
    )
