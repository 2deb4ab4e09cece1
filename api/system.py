"""The house: the pause button, the numbers, the actors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.access import Act, check_may
from api.answers import (
    ActorAnswer,
    AlertAnswer,
    ModelAnswer,
    Named,
    NumberAnswer,
    Page,
    SystemAnswer,
)
from api.bodies import Nothing, Pause
from api.deps import VERSION, ApiParts, Parts
from api.identity import Caller
from api.problems import ProblemError
from api.write import Write, Writing, Written
from domain.ids import PhysicalNumberId
from domain.phone import display
from storage.alerts import Alert, AlertKind, list_alerts
from storage.numbers_page import list_numbers
from storage.switches import AI_PAUSED, find_switch, switch_off, switch_on

router: Final = APIRouter(tags=["house"])

_ALERTS: Final[Mapping[AlertKind, str]] = {
    "account_restricted": "Conta restrita: {reason}.",
    "account_disabled": "Conta parada: {reason}. Nada é enviado.",
    "number_paused": "Número {subject} parado: {reason}. As mensagens dele esperam.",
    "number_banned": "Número {subject} fora do ar: {reason}. As mensagens dele esperam.",
    "day_money_spent": "A IA parou até meia-noite: {reason}. Pessoas respondem.",
}


@router.get("/system")
async def show_system(caller: Caller, parts: Parts) -> SystemAnswer:
    check_may(caller, Act.READ_SYSTEM)
    return await _system(parts)


@router.post("/system/pause", response_model=SystemAnswer)
async def pause(body: Pause, write: Writing) -> Response:
    """Nothing the AI wrote leaves from now on; people may still answer."""

    async def work() -> Written:
        by = f"operator/{write.principal.operator_id}"
        changed = await switch_on(write.parts.pool, AI_PAUSED, by=by, reason=body.reason)
        return await _switched(write.parts, changed=changed)

    return await write.run(Act.PAUSE, work)


@router.post("/system/resume", response_model=SystemAnswer)
async def resume(write: Writing, _body: Nothing | None = None) -> Response:
    async def work() -> Written:
        changed = await switch_off(write.parts.pool, AI_PAUSED)
        return await _switched(write.parts, changed=changed)

    return await write.run(Act.RESUME, work)


@router.get("/numbers")
async def show_numbers(caller: Caller, parts: Parts) -> Page[NumberAnswer]:
    check_may(caller, Act.READ_NUMBERS)
    items = [
        NumberAnswer(
            phone_number_id=row["phone_number_id"],
            display_phone=display(row["display_phone"]),
            verified_name=row["verified_name"],
            facade=Named(id=row["facade_id"], name=row["facade_name"]),
            traffic_classes=row["traffic_classes"],
            state=row["state"],
            health=row["health"],
            health_reason=row["health_reason"],
            health_since=row["health_since"],
            quality=row["quality"],
            messaging_limit=row["messaging_limit"],
            mps=row["messages_per_second"],
            sent_last_minute=row["sent_last_minute"],
            errors_last_hour=row["errors_last_hour"],
            open_threads=row["open_threads"],
            quarantine_until=row["quarantined_until"],
        )
        for row in await list_numbers(parts.pool)
    ]
    return Page[NumberAnswer](items=items)


@router.post("/numbers/{phone_number_id}/drain", response_model=NumberAnswer)
async def drain(phone_number_id: str, write: Writing, _body: Nothing | None = None) -> Response:
    """No new conversation begins on it; those it has stay."""
    return await _number(write, Act.DRAIN_NUMBER, phone_number_id)


@router.post("/numbers/{phone_number_id}/activate", response_model=NumberAnswer)
async def activate(phone_number_id: str, write: Writing, _body: Nothing | None = None) -> Response:
    return await _number(write, Act.ACTIVATE_NUMBER, phone_number_id)


@router.get("/actors")
async def show_actors(caller: Caller, parts: Parts) -> Page[ActorAnswer]:
    """Every actor that reported lately, and the conversations in it."""
    check_may(caller, Act.READ_ACTORS)
    items = [
        ActorAnswer(
            name=row["name"],
            kind=row["kind"],
            actor_id=row["actor_id"],
            node=row["node"],
            pid=row["pid"],
            resident=row["resident_count"],
            conversations=row["residents"],
            memory_bytes=row["memory_bytes"],
            started_at=row["started_at"],
            heartbeat_at=row["beat_at"],
        )
        for row in await parts.actors.list_actors()
    ]
    return Page[ActorAnswer](items=items)


@router.get("/sandbox", include_in_schema=False)
async def sandbox(parts: Parts) -> Response:
    settings = parts.settings
    if not settings.sandbox_on or not settings.sandbox_url:
        raise ProblemError(404, "Aqui não há ensaio: este Vitrine fala com o WhatsApp de verdade.")
    return RedirectResponse(settings.sandbox_url, status_code=307)


async def _switched(parts: ApiParts, *, changed: bool) -> Written:
    now = await _system(parts)
    return Written(
        answer=now,
        target=f"switch/{AI_PAUSED}",
        details={"changed": changed},
        events=(("system", {"ai_paused": now.ai_paused}),),
    )


async def _system(parts: ApiParts) -> SystemAnswer:
    switch = await find_switch(parts.pool, AI_PAUSED)
    settings = parts.settings
    return SystemAnswer(
        ai_paused=switch is not None,
        paused_by=None if switch is None else switch.operator_name or switch.set_by,
        paused_at=None if switch is None else switch.on_since,
        reason=None if switch is None else switch.reason,
        sandbox=settings.sandbox_on,
        version=VERSION,
        model=ModelAnswer(name=settings.model_reply, rehearsal=parts.rehearsal),
        pause_scope=None if switch is None else "all",
        alerts=[_alert(one) for one in await list_alerts(parts.pool)],
    )


def _alert(alert: Alert) -> AlertAnswer:
    subject = display(alert.subject) if alert.subject.startswith("+") else alert.subject
    text = _ALERTS[alert.kind].format(subject=subject, reason=alert.reason)
    return AlertAnswer(kind=alert.kind, text=text, since=alert.since, until=alert.until)


async def _number(write: Write, act: Act, phone_number_id: str) -> Response:
    control = write.parts.numbers
    number = PhysicalNumberId(phone_number_id)

    async def work() -> Written:
        do = control.drain if act is Act.DRAIN_NUMBER else control.activate
        await do(number, write.principal.operator_id)
        page = await show_numbers(write.principal, write.parts)
        now = next(item for item in page.items if item.phone_number_id == phone_number_id)
        return Written(answer=now, target=f"number/{phone_number_id}")

    return await write.run(act, work)
