"""Conversations: read everything a turn needs in one round trip, commit it in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg

from domain.commit import Commit, CommitResult, CommitVerdict, TurnRecord
from domain.consent import AiConsent
from domain.conversation import Conversation, Mode, OpenHandoff, PastMessage, PendingEvent
from domain.errors import MergedError, NotFoundError
from domain.ids import ConversationId, EventId, HandoffId, MessageId, new_id
from domain.ownership import Ownership
from domain.spending import Spending
from storage import conversation_statements as sql
from storage.rows import parse_time, parse_uuid

HISTORY_MESSAGES: Final = 30
PENDING_MAX: Final = 200


class ConversationStore:
    """The only door to a conversation's state. `host` is the actor that asks who the owner is."""

    def __init__(self, pool: asyncpg.Pool, *, host: str = "") -> None:
        self._pool = pool
        self._host = host

    async def load(self, conversation_id: ConversationId) -> Conversation:
        """Everything a turn reads, as of one instant. Raises NotFoundError."""
        row = await self._pool.fetchrow(
            sql.LOAD, conversation_id, PENDING_MAX, HISTORY_MESSAGES, self._host
        )
        if row is None:
            into = await self._pool.fetchval(sql.FIND_MERGED, conversation_id)
            if into is not None:
                raise MergedError(conversation_id, into)
            raise NotFoundError("conversation", str(conversation_id))
        return _conversation(row)

    async def commit(self, commit: Commit) -> CommitResult:
        """Writes all of it or nothing: whoever commits first wins."""
        row = await self._pool.fetchrow(sql.COMMIT, *_commit_arguments(commit))
        if row is not None and row["won"]:
            return CommitResult(verdict=CommitVerdict.COMMITTED, pending=row["pending"])
        now = await self._pool.fetchrow(
            sql.IS_NEWER, commit.conversation_id, commit.unless_newer_than or 0
        )
        if now is None or now["epoch"] != commit.epoch:
            return CommitResult(verdict=CommitVerdict.LOST)
        superseded = now["newer"] or now["version"] == commit.version
        return CommitResult(verdict=CommitVerdict.SUPERSEDED if superseded else CommitVerdict.LOST)

    async def is_stale(self, conversation: Conversation, up_to: int) -> tuple[bool, bool]:
        """(a person acted, a newer message or word to the AI waits) since `conversation` was loaded."""
        row = await self._pool.fetchrow(sql.IS_NEWER, conversation.id, up_to)
        if row is None:
            return True, False
        return row["epoch"] != conversation.epoch, row["newer"]

    async def record_turn(self, conversation: Conversation, turn: TurnRecord) -> None:
        """Journals a turn that may not commit (superseded, fenced, failed); its cost counts."""
        await self._pool.execute(
            sql.RECORD_TURN, conversation.id, turn, conversation.epoch, conversation.version
        )

    async def leave_waiting(self, conversation_id: ConversationId, seqs: Sequence[int]) -> None:
        """These events wait on purpose: the sweeper leaves them alone, and only them."""
        await self._pool.execute(sql.LEAVE_WAITING, conversation_id, list(seqs))

    async def count_failure(self, conversation_id: ConversationId) -> None:
        """Working this conversation ended in a defect; after a few a person gets it."""
        await self._pool.execute(sql.COUNT_FAILURE, conversation_id)

    async def list_unworked(
        self, *, older_than_s: float, buckets: list[int] | None = None, limit: int = 500
    ) -> list[ConversationId]:
        """Conversations whose stored events nobody has worked for `older_than_s` seconds, oldest first."""
        age = timedelta(seconds=older_than_s)
        rows = await self._pool.fetch(sql.LIST_UNWORKED, age, buckets, limit)
        return [ConversationId(row["id"]) for row in rows]


def _conversation(row: asyncpg.Record) -> Conversation:
    pending = [_pending(e) for e in row["pending"] or ()]
    waiting = {e.message_id for e in pending}
    past = [_past(m) for m in row["history"] or ()]
    case = row["active_case"] or {}
    return Conversation(
        id=row["id"],
        facade_id=row["facade_id"],
        contact_id=row["contact_id"],
        mode=Mode(row["mode"]),
        epoch=row["epoch"],
        version=row["version"],
        sticky_number=row["sticky_number"],
        last_inbound_number=row["last_inbound_number"],
        number_state=row["number_state"],
        number_health=row["number_health"],
        messages_per_second=row["messages_per_second"],
        assignee_id=row["assignee_id"],
        score=row["score"],
        state=row["state"],
        origin=row["origin"],
        case_id=_uuid(case.get("id")),
        case_purpose=case.get("purpose"),
        case_subject=case.get("subject"),
        contact_name=row["name"],
        contact_company=row["company"],
        contact_profile=row["profile"],
        contact_phone=row["phone"],
        right_party_confirmed=row["right_party"],
        consent=AiConsent(row["ai_consent"]),
        ai_paused=row["ai_paused"],
        spending=Spending(
            conversation_micros=row["spent_micros"], day_is_spent=row["day_is_spent"]
        ),
        db_now=row["db_now"],
        pending=pending,
        history=[m for m in past if m.id not in waiting],
        notes=[(author, body, parse_time(at)) for author, body, at in row["notes"] or ()],
        calls=[(subject, parse_time(at)) for subject, at in row["calls"] or ()],
        handoff=_handoff(row["handoff"]),
        operators_online=row["operators_online"],
        queue_length=row["queue_length"],
        ownership=Ownership(
            own_serves=bool(row["own_serves"]), shard=row["shard"], incarnation=row["incarnation"]
        ),
        spoken_in_hour=row["spoken"][0],
        spoken_in_day=row["spoken"][1],
    )


def _pending(event: Mapping[str, Any]) -> PendingEvent:
    content = event["content"]
    return PendingEvent(
        seq=event["seq"],
        id=EventId(UUID(event["id"])),
        kind=event["kind"],
        payload=event["payload"],
        message_id=_uuid(event["message_id"]),
        wamid=event["wamid"],
        phone_number_id=event["phone_number_id"],
        content_kind=content.get("kind", ""),
        button_id=content.get("id") if content.get("kind") in _TAPS else None,
        text=event["body"],
        sent_at=parse_time(event["sent_at"]),
        received_at=parse_time(event["received_at"]),
        attempts=event["attempts"],
        left=event["left"],
    )


_TAPS: Final = frozenset({"button_reply", "list_reply"})


def _past(message: Mapping[str, Any]) -> PastMessage:
    return PastMessage(
        id=MessageId(UUID(message["id"])),
        author=message["author"],
        text=message["body"],
        at=parse_time(message["sent_at"]),
        status=message["status"],
        wamid=message["wamid"],
        operator_name=message["operator_name"],
    )


def _handoff(handoff: Mapping[str, Any] | None) -> OpenHandoff | None:
    if handoff is None:
        return None
    return OpenHandoff(
        id=HandoffId(UUID(handoff["id"])),
        reason=handoff["reason"],
        priority=handoff["priority"],
        silence=handoff["silence"],
        state=handoff["state"],
        queued_at=parse_time(handoff["queued_at"]),
        position=handoff["position"],
    )


def _uuid(value: str | None) -> Any:
    return parse_uuid(value)


def _commit_arguments(commit: Commit) -> tuple[Any, ...]:
    last = commit.outbound[-1].message_id if commit.outbound else None
    return (
        commit.conversation_id,
        commit.version,
        commit.epoch,
        commit.unless_newer_than,
        dict(commit.contact_changes),
        commit.mode,
        commit.state,
        commit.score,
        commit.sticky_number,
        commit.sticky_reason,
        commit.turn.cost_micros if commit.turn else 0,
        last is not None,
        last,
        list(commit.worked),
        commit.outcome,
        commit.turn,
        commit.outbound,
        [{"id": new_id(), "body": body} for body in commit.notes],
        [{"id": new_id(), "subject": subject, "at": at} for at, subject in commit.calls],
        [commit.handoff] if commit.handoff else [],
        [{"id": new_id(), **asdict(commit.consent)}] if commit.consent else [],
    )
