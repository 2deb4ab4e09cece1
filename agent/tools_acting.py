"""Tools that ask for something to be done: recorded here, executed in the turn's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import EmailStr, Field

from agent.playbook import BusinessHours
from agent.tools import Desk, HandoffWish, Tool, ToolArguments, ToolRetryError
from agent.tools_reading import LOOKUP_CONTACT, SEARCH_CATALOGUE, SEARCH_KNOWLEDGE
from domain.handoff import HandoffKind, Priority, priority_for
from domain.reply import AddNote, ScheduleCall, UpdateContact

WEEKDAYS: Final = (
    "segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo",
)  # fmt: skip
_SOONEST: Final = timedelta(minutes=5)  # the operator has to see it first


class AddNoteArguments(ToolArguments):
    text: Annotated[str, Field(min_length=3, max_length=1000, description="A nota, em português.")]


class ScheduleCallArguments(ToolArguments):
    at: Annotated[
        datetime,
        Field(description="Dia e hora em ISO 8601, na hora local do cliente: 2026-11-24T10:00."),
    ]
    subject: Annotated[str, Field(min_length=3, max_length=200, description="Assunto da ligação.")]


_Short = Annotated[str, Field(min_length=2, max_length=120)]


class UpdateContactArguments(ToolArguments):
    name: _Short | None = None
    company: _Short | None = None
    city: _Short | None = None
    role: Annotated[_Short | None, Field(description="Cargo ou papel na empresa.")] = None
    email: EmailStr | None = None


class HandOverArguments(ToolArguments):
    why_kind: Annotated[
        Literal["complexity", "qualified", "wish", "anger", "dispute"],
        Field(
            description="wish: pediu uma pessoa; anger: irritado; dispute: contesta; complexity; qualified."
        ),
    ]
    reason: Annotated[
        str, Field(min_length=3, max_length=300, description="Motivo, para quem vai atender.")
    ]
    priority: Literal["low", "normal", "high", "urgent"] | None = None


async def _add_note(desk: Desk, arguments: AddNoteArguments) -> Mapping[str, Any]:
    return {"noted": desk.record(AddNote(text=arguments.text))}


async def _schedule_call(desk: Desk, arguments: ScheduleCallArguments) -> Mapping[str, Any]:
    now = desk.context.now
    at = arguments.at if arguments.at.tzinfo else arguments.at.replace(tzinfo=now.tzinfo)
    at = at.astimezone(now.tzinfo).replace(second=0, microsecond=0)
    if at < now + _SOONEST:
        raise ToolRetryError(f"{at:%d/%m/%Y %H:%M} já passou; agora são {now:%d/%m/%Y %H:%M}")
    if at > now + timedelta(days=desk.playbook.limits.call_days_ahead):
        raise ToolRetryError(f"só até {desk.playbook.limits.call_days_ahead} dias à frente")
    if not _is_open(desk.playbook.business_hours, at):
        hours = desk.playbook.business_hours.text
        raise ToolRetryError(
            f"fora do horário da equipe ({hours}); pergunte outro horário ao cliente"
        )
    desk.effects = [e for e in desk.effects if not isinstance(e, ScheduleCall)]
    desk.record(ScheduleCall(at=at, subject=arguments.subject))
    # Not the subject: those are the model's words, and this result may be quoted.
    return {
        "scheduled": True,
        "at": at.isoformat(),
        "when": f"{WEEKDAYS[at.weekday()]}, {at:%d/%m/%Y} às {at:%H:%M}",
    }


async def _update_contact(desk: Desk, arguments: UpdateContactArguments) -> Mapping[str, Any]:
    fields = {key: str(value) for key, value in arguments.model_dump(exclude_none=True).items()}
    if not fields:
        raise ToolRetryError("informe ao menos um campo: name, company, city, role ou email")
    return {"updated": desk.record(UpdateContact(fields=fields)), "fields": sorted(fields)}


async def _hand_over(desk: Desk, arguments: HandOverArguments) -> Mapping[str, Any]:
    queued = desk.context.conversation.handoff
    if queued is not None:
        return {"queued": True, "new": False, "position": queued.position}
    if desk.handoff is not None:
        return {"queued": True, "new": False, "position": None}
    kind = HandoffKind(arguments.why_kind)
    priority = Priority(arguments.priority) if arguments.priority else priority_for(kind)
    desk.handoff = HandoffWish(kind=kind, reason=arguments.reason, priority=priority)
    return {"queued": True, "new": True, "hours": desk.playbook.business_hours.text}


def _is_open(hours: BusinessHours, at: datetime) -> bool:
    return at.weekday() in hours.weekdays and hours.opens <= at.time() < hours.closes


ADD_NOTE: Final = Tool(
    name="add_note",
    description="Anota no CRM um fato novo que o vendedor precisa saber. Uma nota curta por fato.",
    arguments=AddNoteArguments,
    run=_add_note,
)
SCHEDULE_CALL: Final = Tool(
    name="schedule_call",
    description=(
        "Marca uma ligação da equipe em um dia e horário que o cliente aceitou. Devolve o dia e a hora "
        "a confirmar com ele. Fora do horário da equipe ou no passado, devolve o que corrigir."
    ),
    arguments=ScheduleCallArguments,
    run=_schedule_call,
    quotable=True,
)
UPDATE_CONTACT: Final = Tool(
    name="update_contact",
    description="Registra no cadastro o que a própria pessoa informou: nome, empresa, cidade, cargo, e-mail.",
    arguments=UpdateContactArguments,
    run=_update_contact,
)
HAND_OVER: Final = Tool(
    name="hand_over",
    description=(
        "Coloca a conversa na fila de pessoas da equipe. Use quando o cliente pedir, em raiva, "
        "contestação, assunto complexo ou cliente pronto para fechar."
    ),
    arguments=HandOverArguments,
    run=_hand_over,
)

REGISTRY: Final = {
    tool.name: tool
    for tool in (
        ADD_NOTE, HAND_OVER, LOOKUP_CONTACT, SCHEDULE_CALL, SEARCH_CATALOGUE, SEARCH_KNOWLEDGE, UPDATE_CONTACT,
    )
}  # fmt: skip
"""Every tool there is, by name; a playbook chooses."""
