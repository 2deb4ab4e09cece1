"""storage/human_actions.py in memory: each act is one step, as the lock of the conversation makes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.content import Content, Template, check_sendable, content_to_json, text_of
from domain.conversation import Mode
from domain.errors import InvalidInputError, MergedError, NotFoundError, RejectedError
from domain.ids import ConversationId, HandoffId, MessageId, OperatorId, new_id
from domain.outbox import OutboxState
from storage.human_actions import UNGOVERNED, WINDOW_CLOSED, Acting, Border, Fence, OperatorReply
from tests.fakes.database import FakeDatabase
from tests.fakes.tables import ConversationTable, HandoffTable, MessageTable, OutboxTable


class FakeHumanActions:
    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def takeover(self, conversation_id: ConversationId, by: Acting) -> Fence:
        row, fence = self._fence(conversation_id, by, Mode.OPERATOR, by.operator_id)
        self._accept_handoff(row, by.operator_id)
        self._line(by, "takeover", row)
        return fence

    async def assign(self, conversation_id: ConversationId, by: Acting, *, to: OperatorId) -> Fence:
        if to not in self._db.operators:
            raise NotFoundError("operator", str(to))
        row, fence = self._fence(conversation_id, by, Mode.OPERATOR, to)
        self._accept_handoff(row, to)
        self._line(by, "assign", row)
        return fence

    async def reply(
        self, conversation_id: ConversationId, by: Acting, content: Content
    ) -> OperatorReply:
        check_sendable(content)
        if isinstance(content, Template):
            raise RejectedError(UNGOVERNED)
        db, found = self._db, self._find(conversation_id, by)
        if not db.window_is_open(found.contact_id, found.number):
            raise RejectedError(WINDOW_CLOSED)
        row, fence = self._fence(conversation_id, by, Mode.OPERATOR, by.operator_id)
        fence = self._handle(row, fence, None, "answered_by_person")
        row.last_message_at = db.now()
        message_id = MessageId(new_id())
        body = content_to_json(content)
        db.add_message(
            MessageTable(
                seq=db.seq("message"),
                id=message_id,
                conversation_id=row.id,
                direction="outbound",
                author="operator",
                operator_id=by.operator_id,
                content=body,
                body=text_of(content),
                status="queued",
                sent_at=db.now(),
            )
        )
        db.add_row(
            OutboxTable(
                seq=db.seq("outbox"),
                id=new_id(),
                conversation_id=row.id,
                contact_id=row.contact_id,
                message_id=message_id,
                author="operator",
                epoch=row.epoch,
                content=body,
                not_before=db.now(),
                created_at=db.now(),
            )
        )
        self._accept_handoff(row, by.operator_id)
        self._line(by, "reply", row)
        return OperatorReply(message_id=message_id, fence=fence)

    async def hand_back(
        self, conversation_id: ConversationId, by: Acting, handled_up_to: Border
    ) -> Fence:
        found = self._find(conversation_id, by)
        border = self._border(found, handled_up_to)
        row, fence = self._fence(conversation_id, by, Mode.AGENT, None)
        fence = self._handle(row, fence, border, "handled_by_person")
        self._end_handoff(row, "returned")
        self._line(by, "handback", row)
        return fence

    async def close(self, conversation_id: ConversationId, by: Acting, reason: str) -> Fence:
        row, fence = self._fence(conversation_id, by, Mode.CLOSED, None)
        fence = self._handle(row, fence, None, "closed")
        self._end_handoff(row, "closed")
        if reason:
            author = self._db.operators[by.operator_id]
            self._db.notes[row.id].append((author, f"Encerrada: {reason}", self._db.now()))
        self._line(by, "close", row)
        return fence

    async def mute(self, conversation_id: ConversationId, by: Acting) -> Fence:
        row, fence = self._fence(conversation_id, by, Mode.MUTED, None)
        self._line(by, "mute", row)
        return fence

    async def escalate(
        self, conversation_id: ConversationId, by: Acting, *, reason: str, priority: str
    ) -> HandoffId:
        row = self._find(conversation_id, by)
        handoff = self._db.open_handoff(row.id)
        if handoff is None:
            handoff = HandoffTable(
                id=new_id(),
                conversation_id=row.id,
                reason=reason,
                priority=priority,
                raised_by=by.audit_name,
                queued_at=self._db.now(),
            )
            self._db.handoffs[row.id].append(handoff)
        handoff.reason, handoff.priority = reason, priority
        self._line(by, "escalate", row)
        return HandoffId(handoff.id)

    async def whisper(self, conversation_id: ConversationId, by: Acting, text: str) -> None:
        row = self._find(conversation_id, by)
        self._guide("whisper", row, {"operator_id": str(by.operator_id), "text": text})
        self._line(by, "whisper", row)

    async def qualify(self, conversation_id: ConversationId, by: Acting, score: float) -> None:
        if not 0 <= score <= 1:
            raise InvalidInputError("score", "must be between 0 and 1")
        row = self._find(conversation_id, by)
        row.score = score
        row.version += 1
        self._guide("qualify", row, {"score": score})
        self._line(by, "qualify", row)

    async def note(self, conversation_id: ConversationId, by: Acting, text: str) -> UUID:
        row, note_id = self._find(conversation_id, by), new_id()
        author = self._db.operators[by.operator_id]
        self._db.notes[row.id].append((author, text, self._db.now()))
        self._guide("note", row, {"note_id": str(note_id)})
        self._line(by, "note", row)
        return note_id

    async def schedule(
        self, conversation_id: ConversationId, by: Acting, *, at: datetime, subject: str
    ) -> UUID:
        row, call_id = self._find(conversation_id, by), new_id()
        self._db.calls[row.id].append((subject, at))
        self._guide("schedule", row, {"call_id": str(call_id)})
        self._line(by, "schedule", row)
        return call_id

    async def resend(self, message_id: MessageId, by: Acting) -> ConversationId:
        parked = self._parked(message_id, by)
        conversation = self._db.conversations[parked.conversation_id]
        number = parked.phone_number_id or conversation.number
        is_template = parked.content.get("kind") == "template"
        if not is_template and not self._db.window_is_open(conversation.contact_id, number):
            raise RejectedError(WINDOW_CLOSED)
        parked.state, parked.reason = OutboxState.QUEUED, "resent_by_person"
        parked.epoch = conversation.epoch
        parked.possible_duplicate = parked.possible_duplicate or parked.attempts > 0
        parked.not_before, parked.settled_at = self._db.now(), None
        self._db.watch("resent", parked)
        self._db.move(message_id, "queued")
        self._line(by, "resend", conversation)
        return conversation.id

    async def arrived(self, message_id: MessageId, by: Acting) -> ConversationId:
        parked = self._parked(message_id, by)
        if parked.attempts == 0:
            raise RejectedError("it never left")
        parked.state, parked.reason = OutboxState.ACCEPTED, "confirmed_by_person"
        parked.settled_at = self._db.now()
        self._db.move(message_id, "delivered")
        conversation = self._db.conversations[parked.conversation_id]
        self._line(by, "arrived", conversation)
        return conversation.id

    # ---- the parts of an act

    def _guide(self, kind: str, row: ConversationTable, payload: Mapping[str, Any]) -> None:
        """An event that supersedes a draft under way."""
        self._db.file(kind, row.id, f"{kind}:{new_id()}", payload)

    def _find(self, conversation_id: ConversationId, by: Acting) -> ConversationTable:
        row = self._db.conversations.get(conversation_id)
        if row is not None and row.merged_into is not None:
            into = self._find(row.merged_into, by)
            raise MergedError(conversation_id, into.id)
        if row is None or by.row_scope not in {None, row.assignee_id}:
            raise NotFoundError("conversation", str(conversation_id))
        return row

    def _fence(
        self,
        conversation_id: ConversationId,
        by: Acting,
        mode: Mode,
        assignee: OperatorId | None,
    ) -> tuple[ConversationTable, Fence]:
        db, row = self._db, self._find(conversation_id, by)
        row.epoch += 1
        row.version += 1
        row.mode = mode
        if mode is not Mode.MUTED:
            row.assignee_id = assignee
        if mode is Mode.AGENT:
            db.wake(row.id)
        if assignee is not None:
            row.unread_count = 0
        for draft in list(db.rows(row.id, OutboxState.QUEUED)):
            if draft.author == "agent":
                db.withdraw(draft, "fenced")
        flying = db.rows(row.id, OutboxState.CLAIMED, OutboxState.UNKNOWN)
        in_flight = tuple(MessageId(r.message_id) for r in flying if r.author == "agent")
        db.watch("acted", row)
        fence = Fence(epoch=row.epoch, in_flight=in_flight, handled_up_to=row.handled_up_to)
        return row, fence

    def _handle(
        self, row: ConversationTable, fence: Fence, border: int | None, outcome: str
    ) -> Fence:
        db = self._db
        newest = max((e.seq for e in db.events[row.id]), default=0)
        upto = newest if border is None else min(border, newest)
        for event in db.pending(row.id):
            if event.seq <= upto and event.kind != "whisper":
                event.worked_at, event.outcome = db.now(), outcome
                db.watch("worked", event)
        row.handled_up_to = max(row.handled_up_to, upto)
        return Fence(epoch=fence.epoch, in_flight=fence.in_flight, handled_up_to=row.handled_up_to)

    def _border(self, row: ConversationTable, wanted: Border) -> int | None:
        match wanted:
            case None:
                return row.handled_up_to
            case "all":
                return None
            case int():
                return wanted
            case UUID():
                pass
        message = self._db.message_by_id.get(wanted)
        if message is None or message.conversation_id != row.id:
            raise InvalidInputError("body.handled_up_to", "is no message of this conversation")
        before = {m.id for m in self._db.messages[row.id] if m.seq <= message.seq}
        return max((e.seq for e in self._db.events[row.id] if e.message_id in before), default=0)

    def _accept_handoff(self, row: ConversationTable, who: OperatorId) -> None:
        handoff = self._db.open_handoff(row.id)
        if handoff is not None and handoff.state == "queued":
            handoff.state, handoff.accepted_by = "accepted", who

    def _end_handoff(self, row: ConversationTable, state: str) -> None:
        handoff = self._db.open_handoff(row.id)
        if handoff is not None:
            handoff.state = state

    def _parked(self, message_id: MessageId, by: Acting) -> OutboxTable:
        row = self._db.row_of_message.get(message_id)
        if row is None:
            raise NotFoundError("message", str(message_id))
        self._find(row.conversation_id, by)
        if row.state != OutboxState.PARKED:
            raise RejectedError("it waits for no decision")
        return row

    def _line(self, by: Acting, act: str, row: ConversationTable) -> None:
        self._db.audit.append((by.audit_name, f"conversation.{act}", {"epoch": row.epoch}))
