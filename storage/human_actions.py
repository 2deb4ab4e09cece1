"""What people do to a conversation, each in one transaction.

Some raise the epoch, after which no AI message of the older epoch is claimed. Raised by: reply, takeover, assignment, hand-back, close, mute. Not by whisper, note, qualification
and scheduling: those are inbox events that supersede a draft.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg
import structlog

from domain.content import Content, check_sendable, content_to_json, text_of
from domain.conversation import Mode
from domain.errors import NotFoundError, RejectedError
from domain.ids import (
    ConversationId,
    HandoffId,
    MessageId,
    OperatorId,
    new_id,
)

log = structlog.get_logger()

# Locks the conversation: the claim takes the same lock, so a takeover is before it or after it.
FENCE: Final[LiteralString] = """
UPDATE conversations SET epoch = epoch + 1, version = version + 1, mode = $2,
       assignee_id = $3, seen_up_to = CASE WHEN $2 = 'agent' THEN 0 ELSE seen_up_to END,
       unread_count = CASE WHEN $3::uuid IS NULL THEN unread_count ELSE 0 END,
       updated_at = clock_timestamp()
 WHERE id = $1
RETURNING epoch, handled_up_to, contact_id
"""

WITHDRAW_DRAFTS: Final[LiteralString] = """
WITH gone AS (
    UPDATE outbox SET state = 'withdrawn', reason = 'fenced', settled_at = clock_timestamp()
     WHERE conversation_id = $1 AND author = 'agent' AND state = 'queued' RETURNING message_id
)
UPDATE messages m SET status = 'withdrawn', status_at = clock_timestamp(),
       error = '{"reason": "fenced"}' FROM gone WHERE m.id = gone.message_id
"""

IN_FLIGHT: Final[LiteralString] = """
SELECT message_id FROM outbox
 WHERE conversation_id = $1 AND author = 'agent' AND state IN ('claimed', 'unknown') ORDER BY seq
"""

# The person dealt with everything that had arrived when they acted.
HANDLE: Final[LiteralString] = """
WITH border AS (
    SELECT coalesce($2::bigint, (SELECT max(seq) FROM inbound_events WHERE conversation_id = $1), 0) AS seq
), worked AS (
    UPDATE inbound_events e SET worked_at = clock_timestamp(), outcome = $3 FROM border
     WHERE e.conversation_id = $1 AND e.worked_at IS NULL AND e.seq <= border.seq
)
UPDATE conversations SET handled_up_to = greatest(handled_up_to, border.seq) FROM border
 WHERE id = $1 RETURNING handled_up_to
"""

INSERT_MESSAGE: Final[LiteralString] = """
INSERT INTO messages (id, conversation_id, direction, author, operator_id, content, body, status)
VALUES ($1, $2, 'outbound', 'operator', $3, $4, $5, 'queued')
"""

INSERT_ROW: Final[LiteralString] = """
INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content)
VALUES ($1, $2, $3, $4, 'operator', $5, $6)
"""

TOUCH: Final[LiteralString] = """
UPDATE conversations SET last_message_id = $2, last_message_at = clock_timestamp(),
       updated_at = clock_timestamp() WHERE id = $1
"""

ACCEPT_HANDOFF: Final[LiteralString] = """
UPDATE handoffs SET state = 'accepted', accepted_at = clock_timestamp(), accepted_by = $2
 WHERE conversation_id = $1 AND state = 'queued'
"""

END_HANDOFF: Final[LiteralString] = """
UPDATE handoffs SET state = $2, ended_at = clock_timestamp()
 WHERE conversation_id = $1 AND state IN ('queued', 'accepted')
"""

RAISE_HANDOFF: Final[LiteralString] = """
WITH added AS (
    INSERT INTO handoffs (id, conversation_id, reason, priority, raised_by)
    SELECT $1, c.id, $3, $4, $5 FROM conversations c WHERE c.id = $2
    ON CONFLICT (conversation_id) WHERE state IN ('queued', 'accepted')
    DO UPDATE SET reason = excluded.reason, priority = excluded.priority
    RETURNING id
)
SELECT id FROM added
"""

FILE_EVENT: Final[LiteralString] = """
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
SELECT $1, $2, $3, c.id, $5, clock_timestamp() FROM conversations c WHERE c.id = $4
RETURNING id
"""

INSERT_NOTE: Final[LiteralString] = """
INSERT INTO notes (id, conversation_id, author, body)
SELECT $1, c.id, o.name, $4 FROM conversations c, operators o WHERE c.id = $2 AND o.id = $3
RETURNING id
"""

SET_SCORE: Final[LiteralString] = """
UPDATE conversations SET score = $2, version = version + 1, updated_at = clock_timestamp()
 WHERE id = $1 RETURNING id
"""

INSERT_CALL: Final[LiteralString] = """
INSERT INTO scheduled_calls (id, conversation_id, subject, at)
SELECT $1, c.id, $3, $4 FROM conversations c WHERE c.id = $2 RETURNING id
"""

OPERATOR_EXISTS: Final[LiteralString] = "SELECT 1 FROM operators WHERE id = $1 AND active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The epoch after a person acted. `in_flight`: AI messages already claimed before it."""

    epoch: int
    in_flight: tuple[MessageId, ...]
    handled_up_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorReply:
    message_id: MessageId
    fence: Fence


class HumanActions:
    """Every way a person changes a conversation. Raises NotFoundError for unknown ones."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def takeover(self, conversation_id: ConversationId, operator_id: OperatorId) -> Fence:
        async with self._pool.acquire() as db, db.transaction():
            fence, _ = await _raise_fence(db, conversation_id, Mode.OPERATOR, operator_id)
            await db.execute(ACCEPT_HANDOFF, conversation_id, operator_id)
            return fence

    async def assign(
        self, conversation_id: ConversationId, operator_id: OperatorId, to: OperatorId
    ) -> Fence:
        async with self._pool.acquire() as db, db.transaction():
            if await db.fetchval(OPERATOR_EXISTS, to) is None:
                raise NotFoundError("operator", str(to))
            fence, _ = await _raise_fence(db, conversation_id, Mode.OPERATOR, to)
            await db.execute(ACCEPT_HANDOFF, conversation_id, to)
        _log("conversation.assigned", conversation_id, operator_id, to=str(to))
        return fence

    async def reply(
        self, conversation_id: ConversationId, operator_id: OperatorId, content: Content
    ) -> OperatorReply:
        """Sends as the person; what had arrived until now counts as dealt with."""
        check_sendable(content)
        message_id, row_id = MessageId(new_id()), new_id()
        body = content_to_json(content)
        async with self._pool.acquire() as db, db.transaction():
            fence, contact_id = await _raise_fence(db, conversation_id, Mode.OPERATOR, operator_id)
            handled = await db.fetchval(HANDLE, conversation_id, None, "answered_by_person")
            await db.execute(
                INSERT_MESSAGE, message_id, conversation_id, operator_id, body, text_of(content)
            )
            await db.execute(
                INSERT_ROW, row_id, conversation_id, contact_id, message_id, fence.epoch, body
            )
            await db.execute(TOUCH, conversation_id, message_id)
            await db.execute(ACCEPT_HANDOFF, conversation_id, operator_id)
        return OperatorReply(
            message_id=message_id,
            fence=Fence(epoch=fence.epoch, in_flight=fence.in_flight, handled_up_to=handled),
        )

    async def hand_back(
        self, conversation_id: ConversationId, operator_id: OperatorId, handled_up_to: int | None
    ) -> Fence:
        """Gives the conversation back to the AI: what arrived after `handled_up_to` is pending.

        None keeps the border of the person's last message.
        """
        async with self._pool.acquire() as db, db.transaction():
            fence, _ = await _raise_fence(db, conversation_id, Mode.AGENT, None)
            border = fence.handled_up_to if handled_up_to is None else handled_up_to
            handled = await db.fetchval(HANDLE, conversation_id, border, "handled_by_person")
            await db.execute(END_HANDOFF, conversation_id, "returned")
            _log("conversation.handed_back", conversation_id, operator_id)
            return Fence(epoch=fence.epoch, in_flight=fence.in_flight, handled_up_to=handled)

    async def close(
        self, conversation_id: ConversationId, operator_id: OperatorId, reason: str
    ) -> Fence:
        async with self._pool.acquire() as db, db.transaction():
            fence, _ = await _raise_fence(db, conversation_id, Mode.CLOSED, None)
            handled = await db.fetchval(HANDLE, conversation_id, None, "closed")
            await db.execute(END_HANDOFF, conversation_id, "closed")
            if reason:
                await db.execute(
                    INSERT_NOTE, new_id(), conversation_id, operator_id, f"Encerrada: {reason}"
                )
            return Fence(epoch=fence.epoch, in_flight=fence.in_flight, handled_up_to=handled)

    async def escalate(
        self, conversation_id: ConversationId, *, by: str, reason: str, priority: str
    ) -> HandoffId:
        """Puts the conversation into the human queue; an open hand-off is updated, not doubled."""
        found = await self._pool.fetchval(
            RAISE_HANDOFF, new_id(), conversation_id, reason, priority, by
        )
        return HandoffId(_found(found, "conversation", conversation_id))

    async def note(
        self, conversation_id: ConversationId, operator_id: OperatorId, text: str
    ) -> UUID:
        """A note for people; the AI reads it with its next turn."""
        note_id = await self._pool.fetchval(
            INSERT_NOTE, new_id(), conversation_id, operator_id, text
        )
        return _found(note_id, "conversation", conversation_id)

    async def whisper(
        self, conversation_id: ConversationId, operator_id: OperatorId, text: str
    ) -> None:
        """Guidance for the AI's next turn, never shown to the contact."""
        await self._file(
            conversation_id, "whisper", {"operator_id": str(operator_id), "text": text}
        )

    async def qualify(
        self, conversation_id: ConversationId, operator_id: OperatorId, score: float
    ) -> None:
        if not 0 <= score <= 1:
            raise RejectedError("score: must be between 0 and 1")
        found = await self._pool.fetchval(SET_SCORE, conversation_id, score)
        _found(found, "conversation", conversation_id)
        _log("conversation.qualified", conversation_id, operator_id)

    async def schedule(
        self,
        conversation_id: ConversationId,
        operator_id: OperatorId,
        at: datetime,
        subject: str,
    ) -> UUID:
        call_id = await self._pool.fetchval(INSERT_CALL, new_id(), conversation_id, subject, at)
        _log("conversation.call_scheduled", conversation_id, operator_id)
        return _found(call_id, "conversation", conversation_id)

    async def _file(
        self, conversation_id: ConversationId, kind: str, payload: Mapping[str, Any]
    ) -> None:
        event_id = new_id()
        filed = await self._pool.fetchval(
            FILE_EVENT, event_id, f"{kind}:{event_id}", kind, conversation_id, payload
        )
        _found(filed, "conversation", conversation_id)


async def _raise_fence(
    db: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    conversation_id: ConversationId,
    mode: Mode,
    assignee: OperatorId | None,
) -> tuple[Fence, UUID]:
    row = await db.fetchrow(FENCE, conversation_id, mode, assignee)
    if row is None:
        raise NotFoundError("conversation", str(conversation_id))
    await db.execute(WITHDRAW_DRAFTS, conversation_id)
    flying = await db.fetch(IN_FLIGHT, conversation_id)
    fence = Fence(
        epoch=row["epoch"],
        in_flight=tuple(MessageId(r["message_id"]) for r in flying),
        handled_up_to=row["handled_up_to"],
    )
    return fence, row["contact_id"]


def _log(event: str, conversation_id: ConversationId, operator_id: OperatorId, **more: str) -> None:
    log.info(event, conversation_id=str(conversation_id), operator_id=str(operator_id), **more)


def _found(value: UUID | None, kind: str, key: object) -> UUID:
    if value is None:
        raise NotFoundError(kind, str(key))
    return value
