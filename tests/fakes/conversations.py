"""storage/conversations.py in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.commit import Commit, CommitResult, CommitVerdict, TurnRecord
from domain.consent import AiConsent
from domain.conversation import Conversation, Mode, OpenHandoff, PastMessage, PendingEvent
from domain.errors import MergedError, NotFoundError
from domain.ids import ConversationId, EventId, HandoffId, MessageId
from domain.ownership import Ownership
from domain.spending import Spending
from storage.conversations import HISTORY_MESSAGES, PENDING_MAX
from tests.fakes.database import FakeDatabase
from tests.fakes.tables import (
    ConsentTable,
    ConversationTable,
    EventTable,
    HandoffTable,
    MessageTable,
    OutboxTable,
    TurnTable,
)

_TAPS = frozenset({"button_reply", "list_reply"})


class FakeConversations:
    """No conversation is entrusted to an actor of its own here."""

    def __init__(self, db: FakeDatabase, *, host: str = "") -> None:
        self._db = db
        self._host = host

    async def load(self, conversation_id: ConversationId) -> Conversation:
        db = self._db
        row = db.conversations.get(conversation_id)
        if row is None:
            raise NotFoundError("conversation", str(conversation_id))
        if row.merged_into is not None:
            raise MergedError(conversation_id, row.merged_into)
        contact = db.contacts[row.contact_id]
        number = db.numbers.get(row.number or "")
        pending = [self._pending(e) for e in db.pending(row.id)[:PENDING_MAX]]
        waiting = {e.message_id for e in pending}
        handoff = db.open_handoff(row.id)
        in_hour, in_day = db.spoken(contact.id)
        shown = [m for m in db.messages[row.id] if m.status != "withdrawn"]
        return Conversation(
            id=row.id,
            facade_id=row.facade_id,
            contact_id=row.contact_id,
            mode=Mode(row.mode),
            epoch=row.epoch,
            version=row.version,
            sticky_number=row.sticky_number,
            last_inbound_number=row.last_inbound_number,
            number_state=number.state if number else "active",
            number_health=number.health if number else "healthy",
            messages_per_second=number.messages_per_second if number else 80,
            assignee_id=row.assignee_id,
            score=row.score,
            state=dict(row.state),
            origin=row.origin,
            case_id=None,
            case_purpose=None,
            case_subject=None,
            contact_name=contact.name,
            contact_company=contact.company,
            contact_profile=dict(contact.profile),
            contact_phone=contact.wa_id,
            right_party_confirmed=False,
            consent=AiConsent(db.consent_of(contact.id)),
            ai_paused="ai_paused" in db.switches,
            spending=Spending(
                conversation_micros=self._spent(row.id),
                day_is_spent="day_money_spent" in db.switches,
            ),
            db_now=db.now(),
            pending=pending,
            history=[self._past(m) for m in shown[-HISTORY_MESSAGES:] if m.id not in waiting],
            notes=list(db.notes[row.id][-10:]),
            calls=[(subject, at) for subject, at in db.calls[row.id] if at > db.now()],
            handoff=None if handoff is None else self._handoff(handoff),
            queue_length=len(self._queued_handoffs()),
            spoken_in_hour=in_hour,
            spoken_in_day=in_day,
            ownership=Ownership(shard=db.shards.get(row.id), incarnation=db.leases.get(self._host)),
        )

    async def commit(self, commit: Commit) -> CommitResult:
        db = self._db
        row = db.conversations.get(commit.conversation_id)
        if row is None or row.epoch != commit.epoch:
            return CommitResult(verdict=CommitVerdict.LOST)
        same = row.version == commit.version
        newer_than = commit.unless_newer_than
        newer = db.is_newer(row.id, newer_than or 0)
        if same and (newer_than is None or not newer):
            self._write(row, commit)
            return CommitResult(verdict=CommitVerdict.COMMITTED, pending=bool(db.pending(row.id)))
        superseded = same or newer
        return CommitResult(verdict=CommitVerdict.SUPERSEDED if superseded else CommitVerdict.LOST)

    async def is_stale(self, conversation: Conversation, up_to: int) -> tuple[bool, bool]:
        row = self._db.conversations.get(conversation.id)
        if row is None:
            return True, False
        return row.epoch != conversation.epoch, self._db.is_newer(row.id, up_to)

    async def record_turn(self, conversation: Conversation, turn: TurnRecord) -> None:
        self._db.conversations[conversation.id].cost_micros += turn.cost_micros
        self._journal(conversation.id, turn)

    async def leave_waiting(self, conversation_id: ConversationId, seqs: Sequence[int]) -> None:
        for event in self._db.pending(conversation_id):
            if event.seq in seqs:
                event.left_at = self._db.now()

    async def count_failure(self, conversation_id: ConversationId) -> None:
        for event in self._db.pending(conversation_id):
            event.attempts += 1

    async def list_unworked(
        self, *, older_than_s: float, buckets: list[int] | None = None, limit: int = 500
    ) -> list[ConversationId]:
        db = self._db
        if "ai_paused" in db.switches:
            return []
        border = db.now() - timedelta(seconds=older_than_s)
        oldest: dict[ConversationId, int] = {}
        for row in db.conversations.values():
            seqs = [
                e.seq for e in db.pending(row.id) if e.left_at is None and e.received_at < border
            ]
            if seqs:
                oldest[row.id] = min(seqs)
        return sorted(oldest, key=oldest.__getitem__)[:limit]

    # ---- writing

    def _write(self, row: ConversationTable, commit: Commit) -> None:
        db = self._db
        row.version += 1
        row.mode = commit.mode if commit.mode is not None else row.mode
        row.state = dict(commit.state) if commit.state is not None else row.state
        row.score = commit.score if commit.score is not None else row.score
        if commit.sticky_number is not None and row.last_inbound_number is None:
            row.sticky_number, row.sticky_reason = commit.sticky_number, commit.sticky_reason
        if commit.outbound:
            row.last_message_at = db.now()
        turn_id = None
        if commit.turn is not None:
            turn_id = commit.turn.id
            row.cost_micros += commit.turn.cost_micros
            self._journal(row.id, commit.turn)
        self._work(row, commit, turn_id)
        self._queue(row, commit, turn_id)
        db.notes[row.id] += [("agent", body, db.now()) for body in commit.notes]
        db.calls[row.id] += [(subject, at) for at, subject in commit.calls]
        self._people(row, commit)

    def _work(self, row: ConversationTable, commit: Commit, turn_id: UUID | None) -> None:
        worked = set(commit.worked)
        for event in self._db.pending(row.id):
            if event.seq in worked:
                event.worked_at, event.outcome = self._db.now(), commit.outcome
                event.turn_id = turn_id
                self._db.watch("worked", event)

    def _queue(self, row: ConversationTable, commit: Commit, turn_id: UUID | None) -> None:
        db = self._db
        for draft in sorted(commit.outbound, key=lambda d: d.position):
            db.add_message(
                MessageTable(
                    seq=db.seq("message"),
                    id=draft.message_id,
                    conversation_id=row.id,
                    direction="outbound",
                    author=draft.author,
                    content=draft.content,
                    body=draft.text,
                    status="queued",
                    sent_at=db.now(),
                    reply_to_wamid=draft.reply_to_wamid,
                    turn_id=turn_id,
                )
            )
            db.add_row(
                OutboxTable(
                    seq=db.seq("outbox"),
                    id=draft.outbox_id,
                    conversation_id=row.id,
                    contact_id=row.contact_id,
                    message_id=draft.message_id,
                    turn_id=turn_id,
                    position=draft.position,
                    author=draft.author,
                    epoch=row.epoch,
                    content=draft.content,
                    reply_to_wamid=draft.reply_to_wamid,
                    carries_money=draft.carries_money,
                    not_before=db.now(),
                    created_at=db.now(),
                )
            )

    def _people(self, row: ConversationTable, commit: Commit) -> None:
        db, contact = self._db, self._db.contacts[row.contact_id]
        if commit.handoff is not None and db.open_handoff(row.id) is None:
            draft = commit.handoff
            db.handoffs[row.id].append(
                HandoffTable(
                    id=draft.id,
                    conversation_id=row.id,
                    reason=draft.reason,
                    priority=draft.priority,
                    silence=draft.silence,
                    brief=draft.brief,
                    raised_by=draft.raised_by,
                    queued_at=db.now(),
                )
            )
        if commit.consent is not None:
            contact.ai_consent = commit.consent.state
            db.consents[contact.id].append(
                ConsentTable(
                    contact_id=contact.id,
                    state=commit.consent.state,
                    asked_message_id=commit.consent.asked_message_id,
                )
            )
            if commit.consent.state in {"granted", "refused"}:
                contact.contactability_version += 1
            if commit.consent.state == "granted":
                for one in db.conversations.values():
                    if one.contact_id == contact.id:
                        db.wake(one.id)
        changes = dict(commit.contact_changes)
        contact.name = changes.pop("name", contact.name)
        contact.company = changes.pop("company", contact.company)
        contact.profile.update(changes)

    def _journal(self, conversation_id: ConversationId, turn: TurnRecord) -> None:
        self._db.turns.setdefault(
            turn.id,
            TurnTable(
                id=turn.id,
                conversation_id=conversation_id,
                state=turn.state,
                inputs=tuple(turn.inputs),
                cost_micros=turn.cost_micros,
                started_at=turn.started_at,
            ),
        )

    # ---- reading

    def _pending(self, event: EventTable) -> PendingEvent:
        message = self._db.message_by_id.get(event.message_id) if event.message_id else None
        content: Any = message.content if message else {}
        return PendingEvent(
            seq=event.seq,
            id=EventId(event.id),
            kind=event.kind,
            payload=event.payload,
            message_id=MessageId(event.message_id) if event.message_id else None,
            wamid=event.wamid,
            phone_number_id=event.phone_number_id,
            content_kind=content.get("kind", ""),
            button_id=content.get("id") if content.get("kind") in _TAPS else None,
            text=message.body if message else "",
            sent_at=event.sent_at,
            received_at=event.received_at,
            attempts=event.attempts,
            left=event.left_at is not None,
        )

    def _handoff(self, handoff: HandoffTable) -> OpenHandoff:
        queue = [h for h in self._queued_handoffs() if h.queued_at <= handoff.queued_at]
        return OpenHandoff(
            id=HandoffId(handoff.id),
            reason=handoff.reason,
            priority=handoff.priority,
            silence=handoff.silence,
            state=handoff.state,
            queued_at=handoff.queued_at,
            position=len(queue) if handoff.state == "queued" else None,
        )

    def _queued_handoffs(self) -> list[HandoffTable]:
        return [h for hs in self._db.handoffs.values() for h in hs if h.state == "queued"]

    def _spent(self, conversation_id: ConversationId) -> int:
        border = self._db.now() - timedelta(hours=24)
        turns = self._db.turns.values()
        return sum(
            t.cost_micros
            for t in turns
            if t.conversation_id == conversation_id and t.started_at > border
        )

    def _past(self, message: MessageTable) -> PastMessage:
        operator = message.operator_id
        return PastMessage(
            id=MessageId(message.id),
            author=message.author,
            text=message.body,
            at=message.sent_at,
            status=message.status,
            wamid=message.wamid,
            operator_name=self._db.operators.get(operator) if operator else None,
        )
