"""What people do to a conversation, each in one transaction that ends with its audit line.

Some raise the epoch, after which no AI message of the older epoch is claimed: reply, takeover, assignment,
hand-back, close, mute (and at intake an answer from the phone app). Whisper, note, qualification and
scheduling guide the AI: they file an event that supersedes a draft. Reading and the decision about a
parked message do neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from domain.content import Content, check_sendable, content_to_json, text_of
from domain.conversation import WHISPER, Mode
from domain.errors import InvalidInputError, MergedError, NotFoundError, RejectedError
from domain.ids import ConversationId, HandoffId, MessageId, OperatorId, new_id
from storage import human_statements as sql
from storage.audit import AuditLine, append

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
#: Up to where a person dealt with the customer's words: an arrival number, a message, everything,
#: or (None) what they dealt with by answering.
Border = int | UUID | Literal["all"] | None

WINDOW_CLOSED: Final = (
    "A janela de 24 h está fechada no número por onde a resposta sairia: o WhatsApp só aceita texto "
    "livre depois que o cliente escrever de novo. Nada foi enviado e nada mudou."
)
UNGOVERNED: Final = (
    "Um modelo só sai com uma decisão registrada do governador de contatos; aqui vai texto livre, "
    "dentro da janela de 24 h."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Who acts, and when. `row_scope`: the assignee whose conversations alone they may touch."""

    operator_id: OperatorId
    audit_name: str
    row_scope: UUID | None
    at: datetime


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fenced:
    fence: Fence
    contact_id: UUID
    number: str | None


class HumanActions:
    """Every way a person changes a conversation.

    All raise NotFoundError for a conversation that is not there or not theirs and MergedError for one
    that goes on in another, and then, as with every refusal, changed nothing.
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def takeover(self, conversation_id: ConversationId, by: Acting) -> Fence:
        async with self._pool.acquire() as db, db.transaction():
            done = await _raise_fence(db, conversation_id, by, Mode.OPERATOR, by.operator_id)
            await db.execute(sql.ACCEPT_HANDOFF, conversation_id, by.operator_id)
            await _fenced_line(db, by, "takeover", conversation_id, done.fence)
            return done.fence

    async def assign(self, conversation_id: ConversationId, by: Acting, *, to: OperatorId) -> Fence:
        async with self._pool.acquire() as db, db.transaction():
            if await db.fetchval(sql.OPERATOR_EXISTS, to) is None:
                raise NotFoundError("operator", str(to))
            done = await _raise_fence(db, conversation_id, by, Mode.OPERATOR, to)
            await db.execute(sql.ACCEPT_HANDOFF, conversation_id, to)
            await _fenced_line(db, by, "assign", conversation_id, done.fence, to=str(to))
            return done.fence

    async def reply(
        self, conversation_id: ConversationId, by: Acting, content: Content
    ) -> OperatorReply:
        """Sends as the person; what had arrived until now counts as dealt with.

        Raises RejectedError outside the service window of the number it would leave by.
        """
        check_sendable(content)
        message_id, row_id = MessageId(new_id()), new_id()
        body = content_to_json(content)
        if body["kind"] == "template":
            raise RejectedError(UNGOVERNED)
        async with self._pool.acquire() as db, db.transaction():
            done = await _raise_fence(db, conversation_id, by, Mode.OPERATOR, by.operator_id)
            if not await db.fetchval(sql.WINDOW_IS_OPEN, done.contact_id, done.number):
                raise RejectedError(WINDOW_CLOSED)
            handled = await db.fetchval(sql.HANDLE, conversation_id, None, "answered_by_person")
            await db.execute(
                sql.INSERT_MESSAGE, message_id, conversation_id, by.operator_id, body,
                text_of(content),
            )  # fmt: skip
            await db.execute(
                sql.INSERT_ROW, row_id, conversation_id, done.contact_id, message_id,
                done.fence.epoch, body,
            )  # fmt: skip
            await db.execute(sql.TOUCH, conversation_id, message_id)
            await db.execute(sql.ACCEPT_HANDOFF, conversation_id, by.operator_id)
            fence = _with_border(done.fence, handled)
            await _fenced_line(db, by, "reply", conversation_id, fence, message_id=str(message_id))
        return OperatorReply(message_id=message_id, fence=fence)

    async def hand_back(
        self, conversation_id: ConversationId, by: Acting, handled_up_to: Border
    ) -> Fence:
        """Gives the conversation back to the AI: what arrived after `handled_up_to` is pending.

        None keeps the border of the person's last message. Raises InvalidInputError for a message
        of another conversation.
        """
        async with self._pool.acquire() as db, db.transaction():
            done = await _raise_fence(db, conversation_id, by, Mode.AGENT, None)
            border = await _border(db, conversation_id, handled_up_to, done.fence.handled_up_to)
            handled = await db.fetchval(sql.HANDLE, conversation_id, border, "handled_by_person")
            await db.execute(sql.END_HANDOFF, conversation_id, "returned")
            fence = _with_border(done.fence, handled)
            await _fenced_line(
                db, by, "handback", conversation_id, fence, handled_up_to=fence.handled_up_to
            )
            return fence

    async def close(self, conversation_id: ConversationId, by: Acting, reason: str) -> Fence:
        async with self._pool.acquire() as db, db.transaction():
            done = await _raise_fence(db, conversation_id, by, Mode.CLOSED, None)
            handled = await db.fetchval(sql.HANDLE, conversation_id, None, "closed")
            await db.execute(sql.END_HANDOFF, conversation_id, "closed")
            if reason:
                await db.execute(
                    sql.INSERT_NOTE, new_id(), conversation_id, by.operator_id,
                    f"Encerrada: {reason}",
                )  # fmt: skip
            fence = _with_border(done.fence, handled)
            await _fenced_line(db, by, "close", conversation_id, fence)
            return fence

    async def mute(self, conversation_id: ConversationId, by: Acting) -> Fence:
        """Nobody answers until a person does or hands it back; whose it was stays so."""
        async with self._pool.acquire() as db, db.transaction():
            done = await _raise_fence(db, conversation_id, by, Mode.MUTED, None)
            await _fenced_line(db, by, "mute", conversation_id, done.fence)
            return done.fence

    async def escalate(
        self, conversation_id: ConversationId, by: Acting, *, reason: str, priority: str
    ) -> HandoffId:
        """Puts the conversation into the human queue; an open hand-off is updated, not doubled."""
        async with self._pool.acquire() as db, db.transaction():
            await _lock(db, conversation_id, by)
            handoff_id = await db.fetchval(
                sql.RAISE_HANDOFF, new_id(), conversation_id, reason, priority, by.audit_name
            )
            details = {"handoff_id": str(handoff_id), "priority": priority}
            await _line(db, by, "escalate", conversation_id, details)
            return HandoffId(handoff_id)

    async def note(self, conversation_id: ConversationId, by: Acting, text: str) -> UUID:
        """A note for people; the AI reads it with its next turn."""
        note_id = new_id()
        async with self._pool.acquire() as db, db.transaction():
            await _lock(db, conversation_id, by)
            await db.execute(sql.INSERT_NOTE, note_id, conversation_id, by.operator_id, text)
            await _guide(db, "note", conversation_id, {"note_id": str(note_id)})
            await _line(db, by, "note", conversation_id, {"note_id": str(note_id)})
        return note_id

    async def whisper(self, conversation_id: ConversationId, by: Acting, text: str) -> None:
        """Guidance for the AI's next turn, never shown to the contact."""
        payload = {"operator_id": str(by.operator_id), "text": text}
        async with self._pool.acquire() as db, db.transaction():
            await _lock(db, conversation_id, by)
            await _guide(db, WHISPER, conversation_id, payload)
            await _line(db, by, "whisper", conversation_id, {})

    async def qualify(self, conversation_id: ConversationId, by: Acting, score: float) -> None:
        if not 0 <= score <= 1:
            raise InvalidInputError("score", "must be between 0 and 1")
        async with self._pool.acquire() as db, db.transaction():
            await _lock(db, conversation_id, by)
            await db.execute(sql.SET_SCORE, conversation_id, score)
            await _guide(db, "qualify", conversation_id, {"score": score})
            await _line(db, by, "qualify", conversation_id, {"score": score})

    async def schedule(
        self, conversation_id: ConversationId, by: Acting, *, at: datetime, subject: str
    ) -> UUID:
        call_id = new_id()
        async with self._pool.acquire() as db, db.transaction():
            await _lock(db, conversation_id, by)
            await db.execute(sql.INSERT_CALL, call_id, conversation_id, subject, at)
            await _guide(db, "schedule", conversation_id, {"call_id": str(call_id)})
            await _line(db, by, "schedule", conversation_id, {"at": at.isoformat()})
        return call_id

    async def mark_read(self, conversation_id: ConversationId, by: Acting) -> bool:
        """Whether there was something unread."""
        async with self._pool.acquire() as db, db.transaction():
            await _lock(db, conversation_id, by)
            changed = await db.fetchval(sql.MARK_READ, conversation_id) is not None
            if changed:
                await _line(db, by, "seen", conversation_id, {})
            return changed

    async def resend(self, message_id: MessageId, by: Acting) -> ConversationId:
        """A parked message leaves once more. Raises RejectedError when it is not parked."""
        async with self._pool.acquire() as db, db.transaction():
            parked = await _parked(db, message_id, by)
            row = parked.row
            is_open = await db.fetchval(sql.WINDOW_IS_OPEN, parked.contact_id, row["number"])
            if row["kind"] != "template" and not is_open:
                raise RejectedError(WINDOW_CLOSED)
            await db.execute(sql.RESEND, row["id"], parked.epoch)
            details = {"message_id": str(message_id), "was": row["reason"]}
            await _line(db, by, "resend", parked.conversation_id, details)
            return parked.conversation_id

    async def arrived(self, message_id: MessageId, by: Acting) -> ConversationId:
        """The person knows that a parked message arrived. Raises RejectedError when it never left."""
        async with self._pool.acquire() as db, db.transaction():
            parked = await _parked(db, message_id, by)
            if parked.row["attempts"] == 0:
                raise RejectedError("Esta mensagem nunca saiu daqui; ela não pode ter chegado.")
            await db.execute(sql.ARRIVED, parked.row["id"])
            details = {"message_id": str(message_id), "was": parked.row["reason"]}
            await _line(db, by, "arrived", parked.conversation_id, details)
            return parked.conversation_id


async def _raise_fence(
    db: Connection,
    conversation_id: ConversationId,
    by: Acting,
    mode: Mode,
    assignee: OperatorId | None,
) -> _Fenced:
    row = await db.fetchrow(sql.FENCE, conversation_id, mode, assignee, by.row_scope)
    if row is None:
        raise await _not_there(db, conversation_id, by)
    await db.execute(sql.WITHDRAW_DRAFTS, conversation_id)
    flying = await db.fetch(sql.IN_FLIGHT, conversation_id)
    fence = Fence(
        epoch=row["epoch"],
        in_flight=tuple(MessageId(r["message_id"]) for r in flying),
        handled_up_to=row["handled_up_to"],
    )
    return _Fenced(fence=fence, contact_id=row["contact_id"], number=row["number"])


async def _guide(
    db: Connection, kind: str, conversation_id: ConversationId, payload: Mapping[str, Any]
) -> None:
    """An event that supersedes a draft under way; `kind` is one of GUIDANCE."""
    event_id = new_id()
    await db.execute(sql.FILE_EVENT, event_id, f"{kind}:{event_id}", kind, conversation_id, payload)


async def _lock(db: Connection, conversation_id: ConversationId, by: Acting) -> asyncpg.Record:
    """The conversation's `epoch` and `contact_id`, its row locked until the end."""
    row = await db.fetchrow(sql.LOCK, conversation_id, by.row_scope)
    if row is None:
        raise await _not_there(db, conversation_id, by)
    return row


async def _not_there(
    db: Connection, conversation_id: ConversationId, by: Acting
) -> NotFoundError | MergedError:
    """Whoever acts on a merged-away conversation has not read the one in which it goes on."""
    into = await db.fetchval(sql.MERGED_INTO, conversation_id, by.row_scope)
    if into is not None:
        return MergedError(conversation_id, into)
    return NotFoundError("conversation", str(conversation_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parked:
    conversation_id: ConversationId
    epoch: int
    contact_id: UUID
    row: asyncpg.Record


async def _parked(db: Connection, message_id: MessageId, by: Acting) -> _Parked:
    found = await db.fetchval(sql.CONVERSATION_OF_MESSAGE, message_id)
    if found is None:
        raise NotFoundError("message", str(message_id))
    conversation_id = ConversationId(found)
    locked = await _lock(db, conversation_id, by)
    row = await db.fetchrow(sql.PARKED_ROW, message_id)
    if row is None:
        raise RejectedError("Esta mensagem não espera mais uma decisão; recarregue a conversa.")
    return _Parked(
        conversation_id=conversation_id,
        epoch=locked["epoch"],
        contact_id=locked["contact_id"],
        row=row,
    )


async def _border(
    db: Connection, conversation_id: ConversationId, wanted: Border, answered: int
) -> int | None:
    """The arrival number up to which nothing is pending; None for all of it."""
    match wanted:
        case None:
            return answered
        case "all":
            return None
        case int():
            return wanted
        case UUID():
            pass
    found: int | None = await db.fetchval(sql.BORDER_OF_MESSAGE, conversation_id, wanted)
    if found is None:
        raise InvalidInputError("body.handled_up_to", "is no message of this conversation")
    return found


def _with_border(fence: Fence, handled_up_to: int) -> Fence:
    return Fence(epoch=fence.epoch, in_flight=fence.in_flight, handled_up_to=handled_up_to)


async def _fenced_line(
    db: Connection,
    by: Acting,
    act: str,
    conversation_id: ConversationId,
    fence: Fence,
    **more: object,
) -> None:
    await _line(db, by, act, conversation_id, {"epoch": fence.epoch, **more})


async def _line(
    db: Connection, by: Acting, act: str, target: ConversationId, details: Mapping[str, Any]
) -> None:
    """Last in its transaction: other writers of the log wait from here on."""
    line = AuditLine(
        at=by.at,
        actor=by.audit_name,
        action=f"conversation.{act}",
        target=f"conversation/{target}",
        details=details,
    )
    await append(db, [line])
