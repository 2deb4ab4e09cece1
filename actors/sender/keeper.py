"""What the sender actor does besides its own rows: settles what a crash or a silence left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import asyncpg
import structlog

from actors.conversation.ports import Dispatcher, Tracer
from actors.sender.outcome import after_refusal
from actors.sender.ports import NumberReports
from domain.doorbell import Doorbell, Ring, RingReason
from domain.ids import ConversationId, OutboxId
from domain.outbox import OutboxState
from integrations.whatsapp.failures import classify
from storage.pool import AWAY
from storage.statuses import AppliedStatus
from telemetry.failpoints import Failpoint, failpoint
from telemetry.metrics import POSSIBLE_DUPLICATES

log = structlog.get_logger()

#: Rows younger than this belong to the conversation that committed them.
_OWNERS_TIME: Final = timedelta(seconds=2)
_AT_ONCE: Final = 8
#: Conversations of one round; what is beyond it is due in the next.
_DUE_MAX: Final = 200


class SettledOutbox(Protocol):
    async def list_due(
        self, *, older_than: timedelta, limit: int, business_initiated: bool
    ) -> list[ConversationId]: ...
    async def find_lost_claims(self) -> list[ConversationId]: ...
    async def file_blocked(self) -> list[ConversationId]: ...
    async def settle_unknown(
        self, *, healthy_since: datetime
    ) -> list[tuple[ConversationId, str]]: ...


class StatusPort(Protocol):
    async def apply(self, seqs: Sequence[int]) -> list[AppliedStatus]: ...
    async def apply_left_over(self, *, limit: int = 500) -> list[AppliedStatus]: ...
    async def dismiss_foreign(self) -> None: ...
    async def requeue_failed(self, outbox_id: OutboxId, *, after_s: float, reason: str) -> None: ...
    async def give_up_failed(
        self, outbox_id: OutboxId, *, state: OutboxState, reason: str, code: int | None
    ) -> None: ...


class IntakeHealth(Protocol):
    """Since when (database time) webhooks have been received without interruption; None: not now."""

    async def healthy_since(self) -> datetime | None: ...


class OutboxKeeper:
    """Works rows nobody works: due ones, lost claims, ended graces, statuses nobody applied."""

    def __init__(
        self,
        *,
        outbox: SettledOutbox,
        dispatcher: Dispatcher,
        statuses: StatusKeeper,
        health: IntakeHealth,
        tracer: Tracer,
    ) -> None:
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._statuses = statuses
        self._health = health
        self._tracer = tracer

    async def send_due(self) -> int:
        """Dispatches conversations with rows that are due; how many there were.

        What the business begins gets only the places that replies leave free, so that it never makes
        a round long before replies are looked for again.
        """
        due = await self._outbox.list_due(
            older_than=_OWNERS_TIME, limit=_DUE_MAX, business_initiated=False
        )
        if len(due) < _AT_ONCE:
            due += await self._outbox.list_due(
                older_than=_OWNERS_TIME, limit=_AT_ONCE - len(due), business_initiated=True
            )
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(conversation_id: ConversationId) -> None:
            async with gate:
                # Raised, a failure would end the round and cancel the others between claim and POST.
                try:
                    await self._dispatcher.dispatch(conversation_id)
                except (asyncpg.PostgresError, *AWAY) as error:
                    log.warning(
                        "send.missed",
                        conversation_id=str(conversation_id),
                        error=type(error).__name__,
                    )
                except Exception:
                    log.exception("send.failed", conversation_id=str(conversation_id))

        async with asyncio.TaskGroup() as group:
            for conversation_id in due:
                group.create_task(one(conversation_id))
        return len(due)

    async def settle(self) -> None:
        """Statuses first: one that is already stored ends an unknown outcome without a resend."""
        await self._statuses.apply_left_over()
        for conversation_id in await self._outbox.find_lost_claims():
            log.warning("send.claim_lost", conversation_id=str(conversation_id))
            self._tracer.conversation(conversation_id)
        for conversation_id in await self._outbox.file_blocked():
            log.warning("send.number_blocked", conversation_id=str(conversation_id))
        healthy_since = await self._health.healthy_since()
        if healthy_since is None:
            return
        for conversation_id, state in await self._outbox.settle_unknown(
            healthy_since=healthy_since
        ):
            failpoint(Failpoint.GRACE_ENDED)
            log.warning("send.unknown_settled", conversation_id=str(conversation_id), state=state)
            if state == OutboxState.QUEUED:
                POSSIBLE_DUPLICATES.inc()
            self._tracer.conversation(conversation_id)


class StatusKeeper:
    """Applies statuses and follows up: failures are retried or given up, waiting rows released."""

    def __init__(
        self, *, statuses: StatusPort, doorbell: Doorbell, reports: NumberReports, tracer: Tracer
    ) -> None:
        self._statuses = statuses
        self._doorbell = doorbell
        self._reports = reports
        self._tracer = tracer

    async def apply(self, seqs: Sequence[int]) -> None:
        await self._follow(await self._statuses.apply(seqs))

    async def apply_left_over(self) -> None:
        """What its own process did not apply; what is nobody's is dismissed after a while."""
        await self._follow(await self._statuses.apply_left_over())
        await self._statuses.dismiss_foreign()

    async def _follow(self, applied: Sequence[AppliedStatus]) -> None:
        rings: dict[ConversationId, Ring] = {}
        for status in applied:
            if not status.moved:
                continue
            failpoint(Failpoint.STATUS_APPLIED, status.status)
            self._tracer.trace(
                f"status.{status.status}",
                status.conversation_id,
                message_id=status.message_id,
                code=status.error_code,
            )
            self._tracer.message(status.conversation_id, status.message_id)
            reason = await self._needs_ring(status)
            if reason is not None:
                rings[status.conversation_id] = Ring(
                    conversation_id=status.conversation_id, reason=reason
                )
        if rings:
            await self._doorbell.ring(list(rings.values()))

    async def _needs_ring(self, status: AppliedStatus) -> RingReason | None:
        """Statuses ring only to settle an unknown, report a failure or release a waiting row."""
        if status.status == "failed":
            await self._failed(status)
            return RingReason.MESSAGE
        return RingReason.OUTBOX if status.others_wait else None

    async def _failed(self, status: AppliedStatus) -> None:
        """Meta accepted and then did not deliver: the same table decides as for a refusal."""
        failure = classify(status.error_code, from_status=True)
        if status.phone_number_id is not None:
            self._reports.refused(status.phone_number_id, failure, code=status.error_code)
        if status.outbox_id is None:
            return
        state, after_s = after_refusal(failure, status.attempts)
        if state is OutboxState.QUEUED:
            await self._statuses.requeue_failed(
                status.outbox_id, after_s=after_s, reason=failure.reason
            )
        else:
            await self._statuses.give_up_failed(
                status.outbox_id, state=state, reason=failure.reason, code=status.error_code
            )
