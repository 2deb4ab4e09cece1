"""What people do to a conversation. Acts that raise the epoch say what was already on its way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from api.access import Act
from api.answers import Done, FenceAnswer, HandoffAnswer, Sent
from api.bodies import Assign, Close, Escalate, HandBack, Nothing, Qualify, Schedule, Send, Text
from api.write import Write, Writing, Written, changed, fence_ring
from domain.content import Content, Text as TextContent, check_sendable, content_from_json
from domain.doorbell import Ring, RingReason
from domain.errors import InvalidInputError
from domain.ids import ConversationId, MessageId, OperatorId
from domain.storable import storable
from storage.human_actions import Acting, Fence

router: Final = APIRouter(tags=["conversations"])


@router.post("/conversations/{conversation_id}/takeover", response_model=FenceAnswer)
async def take_over(
    conversation_id: UUID, write: Writing, _body: Nothing | None = None
) -> Response:
    """The AI sends nothing more here until the conversation is handed back."""

    async def act(row: ConversationId) -> Fence:
        return await write.parts.human_actions.takeover(row, write.acting)

    return await _fenced(write, Act.TAKE_OVER, conversation_id, act)


@router.post("/conversations/{conversation_id}/handback", response_model=FenceAnswer)
async def hand_back(
    conversation_id: UUID, write: Writing, body: HandBack | None = None
) -> Response:
    """The AI goes on; what the customer wrote after `handled_up_to` is its to answer."""
    border = None if body is None else body.handled_up_to

    async def act(row: ConversationId) -> Fence:
        return await write.parts.human_actions.hand_back(row, write.acting, border)

    return await _fenced(write, Act.HAND_BACK, conversation_id, act)


@router.post("/conversations/{conversation_id}/close", response_model=FenceAnswer)
async def close(conversation_id: UUID, write: Writing, body: Close | None = None) -> Response:
    """Ends it; the customer's next message opens it again."""
    reason = "" if body is None else body.reason

    async def act(row: ConversationId) -> Fence:
        return await write.parts.human_actions.close(row, write.acting, reason)

    return await _fenced(write, Act.CLOSE, conversation_id, act)


@router.post("/conversations/{conversation_id}/mute", response_model=FenceAnswer)
async def mute(conversation_id: UUID, write: Writing, _body: Nothing | None = None) -> Response:
    """Nobody answers until a person does, or hands it back to the AI."""

    async def act(row: ConversationId) -> Fence:
        return await write.parts.human_actions.mute(row, write.acting)

    return await _fenced(write, Act.MUTE, conversation_id, act)


@router.post("/conversations/{conversation_id}/assign", response_model=FenceAnswer)
async def assign(conversation_id: UUID, body: Assign, write: Writing) -> Response:
    """Gives it to one operator, who then is the one to answer."""
    to = OperatorId(body.operator_id)

    async def act(row: ConversationId) -> Fence:
        return await write.parts.human_actions.assign(row, write.acting, to=to)

    return await _fenced(write, Act.ASSIGN, conversation_id, act)


@router.post("/conversations/{conversation_id}/notes", response_model=Done)
async def note(conversation_id: UUID, body: Text, write: Writing) -> Response:
    """For colleagues and the AI; the customer never sees it."""

    async def act(row: ConversationId) -> object:
        return await write.parts.human_actions.note(row, write.acting, body.text)

    return await _filed(write, Act.NOTE, conversation_id, act)


@router.post("/conversations/{conversation_id}/whisper", response_model=Done)
async def whisper(conversation_id: UUID, body: Text, write: Writing) -> Response:
    """Guides the AI's next answer; a draft under way is thought again."""

    async def act(row: ConversationId) -> None:
        await write.parts.human_actions.whisper(row, write.acting, body.text)

    return await _filed(write, Act.WHISPER, conversation_id, act)


@router.post("/conversations/{conversation_id}/qualify", response_model=Done)
async def qualify(conversation_id: UUID, body: Qualify, write: Writing) -> Response:
    async def act(row: ConversationId) -> None:
        await write.parts.human_actions.qualify(row, write.acting, body.score)

    return await _filed(write, Act.QUALIFY, conversation_id, act)


@router.post("/conversations/{conversation_id}/schedule", response_model=Done)
async def schedule(conversation_id: UUID, body: Schedule, write: Writing) -> Response:
    if body.at <= write.parts.clock.now():
        raise InvalidInputError("body.at", "must be in the future")

    async def act(row: ConversationId) -> object:
        return await write.parts.human_actions.schedule(
            row, write.acting, at=body.at, subject=body.subject
        )

    return await _filed(write, Act.SCHEDULE, conversation_id, act)


@router.post("/conversations/{conversation_id}/read", response_model=Done)
async def mark_read(
    conversation_id: UUID, write: Writing, _body: Nothing | None = None
) -> Response:
    """A person looks at it: nothing of it is unread any more."""

    async def work() -> Written:
        row = ConversationId(conversation_id)
        had_unread = await write.parts.human_actions.mark_read(row, write.acting)
        events = (changed(row),) if had_unread else ()
        return Written(answer=Done(), target=f"conversation/{row}", events=events, audited=True)

    return await write.run(Act.SEE, work)


@router.post("/conversation", status_code=202, response_model=Sent)
async def send(body: Send, write: Writing) -> Response:
    """Sends as the person: takes the conversation over, then queues the message.

    409 outside the 24-hour window of the number it would leave by; then nothing changed.
    """
    content = _content(body)

    async def work() -> Written:
        row = ConversationId(body.conversation_id)
        reply = await write.parts.human_actions.reply(row, write.acting, content)
        fence = reply.fence
        answer = Sent(
            message_id=reply.message_id, epoch=fence.epoch, in_flight=list(fence.in_flight)
        )
        message = {"conversation_id": row, "message_id": reply.message_id}
        return Written(
            answer=answer,
            target=f"conversation/{row}",
            rings=(fence_ring(row), Ring(conversation_id=row, reason=RingReason.OUTBOX)),
            events=(_took_over(write, row, fence), ("message", message), changed(row)),
            audited=True,
        )

    return await write.run(Act.REPLY, work, status=202)


@router.post("/messages/{message_id}/resend", response_model=Done)
async def resend(message_id: UUID, write: Writing, _body: Nothing | None = None) -> Response:
    """A parked message leaves once more, as it stands."""
    return await _decided(write, Act.RESEND, message_id, write.parts.human_actions.resend)


@router.post("/messages/{message_id}/arrived", response_model=Done)
async def confirm_arrival(
    message_id: UUID, write: Writing, _body: Nothing | None = None
) -> Response:
    """The person knows that a parked message of unknown outcome did arrive."""
    return await _decided(write, Act.CONFIRM_ARRIVAL, message_id, write.parts.human_actions.arrived)


@router.post("/escalate", response_model=HandoffAnswer)
async def escalate(body: Escalate, write: Writing) -> Response:
    """Puts the conversation into the human queue; until somebody accepts, the AI goes on."""

    async def work() -> Written:
        row = ConversationId(body.conversation_id)
        handoff_id = await write.parts.human_actions.escalate(
            row, write.acting, reason=body.reason, priority=body.priority
        )
        return Written(
            answer=HandoffAnswer(handoff_id=handoff_id),
            target=f"conversation/{row}",
            rings=(Ring(conversation_id=row, reason=RingReason.EVENT),),
            events=(changed(row),),
            audited=True,
        )

    return await write.run(Act.ESCALATE, work)


async def _fenced(
    write: Write,
    act: Act,
    conversation_id: UUID,
    do: Callable[[ConversationId], Awaitable[Fence]],
) -> Response:
    async def work() -> Written:
        row = ConversationId(conversation_id)
        fence = await do(row)
        answer = FenceAnswer(
            epoch=fence.epoch, in_flight=list(fence.in_flight), handled_up_to=fence.handled_up_to
        )
        rings = [fence_ring(row)]
        if act is Act.HAND_BACK:
            # What waited for a person is the AI's again.
            rings.append(Ring(conversation_id=row, reason=RingReason.MESSAGE))
        events = [changed(row)]
        if act in {Act.TAKE_OVER, Act.ASSIGN}:
            events.insert(0, _took_over(write, row, fence))
        return Written(
            answer=answer, target=f"conversation/{row}", rings=rings, events=events, audited=True
        )

    return await write.run(act, work)


async def _filed(
    write: Write,
    act: Act,
    conversation_id: UUID,
    do: Callable[[ConversationId], Awaitable[object]],
) -> Response:
    async def work() -> Written:
        row = ConversationId(conversation_id)
        await do(row)
        return Written(
            answer=Done(),
            target=f"conversation/{row}",
            rings=(Ring(conversation_id=row, reason=RingReason.EVENT),),
            events=(changed(row),),
            audited=True,
        )

    return await write.run(act, work)


async def _decided(
    write: Write,
    act: Act,
    message_id: UUID,
    do: Callable[[MessageId, Acting], Awaitable[ConversationId]],
) -> Response:
    async def work() -> Written:
        row = await do(MessageId(message_id), write.acting)
        message = {"conversation_id": row, "message_id": message_id}
        return Written(
            answer=Done(),
            target=f"conversation/{row}",
            rings=(Ring(conversation_id=row, reason=RingReason.OUTBOX),),
            events=(("message", message), changed(row)),
            audited=True,
        )

    return await write.run(act, work)


def _content(body: Send) -> Content:
    """Raises InvalidInputError naming the part that WhatsApp would not take."""
    place = "body.text" if body.text is not None else "body.content"
    try:
        content = (
            TextContent(body=body.text)
            if body.text is not None
            else content_from_json(storable(body.content))
        )
        check_sendable(content)
    except InvalidInputError as error:
        where = place if body.text is not None else f"{place}.{error.field}"
        raise InvalidInputError(where, error.reason) from error
    return content


def _took_over(write: Write, row: ConversationId, fence: Fence) -> tuple[str, dict[str, Any]]:
    return "trace", {
        "conversation_id": row,
        "stage": "human.took_over",
        "at": write.parts.clock.now().isoformat(timespec="milliseconds"),
        "detail": {"epoch": fence.epoch, "operator_id": write.principal.operator_id},
    }
