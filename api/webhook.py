"""Meta's door: the handshake, and events that are stored before they are answered 200.

200 only after commit; 401 for a bad signature; 400 for what is no webhook; 413 above 4 MB; 503 when
it cannot be stored, so that Meta repeats it. Nothing else happens before the answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.body_limit import read_at_most
from api.intake_group import IntakeFullError, IntakeGroup, Store
from domain.clock import Clock
from domain.doorbell import Doorbell
from integrations.whatsapp.signature import SIGNATURE_HEADER, answer_handshake, signature_is_valid
from integrations.whatsapp.webhook import (
    BODY_MAX,
    MalformedWebhookError,
    WebhookTooLargeError,
    parse_webhook,
)
from storage.pool import AWAY
from storage.receipts import Receipt, Received, StoredEvent
from telemetry.failpoints import Failpoint, failpoint
from telemetry.metrics import WEBHOOK_ITEMS, WEBHOOK_REQUESTS
from telemetry.tasks import spawn, start

log = structlog.get_logger()

PATH = "/webhook/whatsapp"
_STATUSES_MAX: Final = 5000
#: The first status of a group waits so long for others; an answer's own come within a moment, and to
#: apply three together costs little more than one.
_GATHER_S: Final = 0.05


class Secrets(Protocol):
    async def app_secrets(self) -> tuple[str, ...]: ...
    async def verify_tokens(self) -> tuple[str, ...]: ...


class StatusWork(Protocol):
    async def apply(self, seqs: Sequence[int]) -> None: ...


class NumberPoolDoor(Protocol):
    async def poke(self) -> None: ...


class Tracer(Protocol):
    def trace(
        self,
        stage: str,
        conversation_id: UUID,
        *,
        message_id: UUID | None = None,
        turn_id: UUID | None = None,
        ms: float | None = None,
        **detail: object,
    ) -> None: ...
    def message(self, conversation_id: UUID, message_id: UUID) -> None: ...
    def conversation(self, conversation_id: UUID) -> None: ...


@dataclass(frozen=True, kw_only=True)
class WebhookParts:
    store: Store
    secrets: Secrets
    doorbell: Doorbell
    statuses: StatusWork
    number_pool: NumberPoolDoor
    tracer: Tracer
    clock: Clock


class Announcer:
    """What follows a committed flush, outside the request: doorbells, statuses, the live picture."""

    def __init__(self, parts: WebhookParts) -> None:
        self._parts = parts
        self._statuses: list[int] = []
        self._applying: asyncio.Task[None] | None = None

    async def __call__(self, receipt: Receipt, store_ms: float) -> None:
        for kind, count in receipt.counts.items():
            WEBHOOK_ITEMS.labels(kind=kind).inc(count)
        spawn(self._ring(receipt, store_ms), name="doorbells")
        if receipt.statuses:
            failpoint(Failpoint.STATUSES_STORED)
            self._apply(receipt.statuses)
        if receipt.house:
            spawn(self._parts.number_pool.poke(), name="number pool")

    def _apply(self, seqs: Sequence[int]) -> None:
        """One group at a time, so that the intake always finds a connection; the rest is the next.

        What does not fit is applied by the sender's round, which looks for what nobody applied.
        """
        self._statuses += seqs[: _STATUSES_MAX - len(self._statuses)]
        if self._applying is None or self._applying.done():
            self._applying = start(self._apply_all(), name="statuses")

    async def _apply_all(self) -> None:
        while self._statuses:
            await asyncio.sleep(_GATHER_S)
            group, self._statuses = self._statuses, []
            await self._parts.statuses.apply(group)

    async def _ring(self, receipt: Receipt, store_ms: float) -> None:
        rings = receipt.rings
        if rings:
            failpoint(Failpoint.BEFORE_DOORBELL)
            await self._parts.doorbell.ring(rings)
            failpoint(Failpoint.AFTER_DOORBELL)
        for conversation_id in receipt.merged:
            self._parts.tracer.conversation(conversation_id)
        rung = {ring.conversation_id for ring in rings}
        for event in receipt.events:
            self._show(event, store_ms, rung=event.conversation_id in rung)

    def _show(self, event: StoredEvent, store_ms: float, *, rung: bool) -> None:
        tracer, conversation_id = self._parts.tracer, event.conversation_id
        if conversation_id is None or event.message_id is None:
            return
        tracer.trace(
            "webhook.received", conversation_id, message_id=event.message_id, wamid=event.wamid
        )
        tracer.trace(
            "inbox.stored", conversation_id, message_id=event.message_id, ms=store_ms, seq=event.seq
        )
        if rung:
            tracer.trace("doorbell.rung", conversation_id, message_id=event.message_id)
        tracer.message(conversation_id, event.message_id)
        tracer.conversation(conversation_id)


def create_webhook(parts: WebhookParts) -> Starlette:
    """The application behind /webhook; without FastAPI, which would be a twentieth of each request."""
    group = IntakeGroup(parts.store, Announcer(parts))

    async def handshake(request: Request) -> Response:
        answers = [
            answer_handshake(request.query_params, token)
            for token in await parts.secrets.verify_tokens() or ("",)
        ]
        answer = next((a for a in answers if a.challenge is not None), answers[0])
        if answer.challenge is None:
            log.warning("webhook.handshake_refused", reason=answer.refusal)
            return PlainTextResponse("", status_code=answer.http_status)
        return PlainTextResponse(answer.challenge)

    async def events(request: Request) -> Response:
        status = await _take(request, parts, group)
        WEBHOOK_REQUESTS.labels(status=str(status)).inc()
        return Response(status_code=status)

    return Starlette(
        routes=[
            Route("/whatsapp", events, methods=["POST"]),
            Route("/whatsapp", handshake, methods=["GET"]),
        ]
    )


async def _take(request: Request, parts: WebhookParts, group: IntakeGroup) -> int:
    """The HTTP status for one POST of Meta's."""
    started = time.perf_counter()
    body = await read_at_most(request, BODY_MAX)
    if body is None:
        return 413
    secrets = await parts.secrets.app_secrets()
    if not signature_is_valid(body, request.headers.get(SIGNATURE_HEADER), secrets):
        log.warning("webhook.bad_signature", size=len(body))
        return 401
    now = parts.clock.now()
    try:
        parsed = parse_webhook(body, now)
    except WebhookTooLargeError:
        return 413
    except MalformedWebhookError as error:
        log.warning("webhook.malformed", reason=error.reason)
        return 400
    for problem in parsed.problems:
        log.warning("webhook.element_unparsed", problem=problem)
    try:
        await group.submit(Received(body=body, items=parsed.items, at=now))
    except IntakeFullError:
        return 503
    except AWAY:
        return 503
    took_ms = (time.perf_counter() - started) * 1000
    log.debug("webhook.stored", items=len(parsed.items), ms=round(took_ms, 1))
    return 200
