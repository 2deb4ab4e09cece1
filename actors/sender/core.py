"""SendCore: `claim_and_send`, the one way a message leaves. Knows nothing of Ray.

Order: number → pacing slot → claim → POST. Nothing waits after the claim, and each retry is a new
claim. Conversations run it for their own rows after a commit; the sender actor for what is left.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any, Final

import structlog

from actors.conversation.ports import Tracer
from actors.sender.outcome import outcome_of
from actors.sender.ports import Channels, NumberReports, OutboxPort, PacePort
from config.limits import UNKNOWN_GRACE
from domain.content import content_from_json
from domain.errors import TransientError, VitrineError
from domain.ids import AttemptId, ConversationId, PhysicalNumberId, new_id
from domain.outbox import Accepted, Claim, ClaimVerdict, OutboxRow, OutboxState
from integrations.whatsapp.errors import GraphError, WhatsAppError
from integrations.whatsapp.outbound import Recipient
from telemetry.tasks import spawn

log = structlog.get_logger()

#: A pacing wait longer than this is left to the sender actor instead of holding the conversation.
_WAIT_HERE: Final = timedelta(seconds=2)

#: After these the next row of the conversation may be able to leave.
_GO_ON: Final = frozenset(
    {
        ClaimVerdict.FENCED,
        ClaimVerdict.DECISION_EXPIRED,
        ClaimVerdict.LOOP_CAP,
        ClaimVerdict.WINDOW_CLOSED,
        ClaimVerdict.SETTLED,
        ClaimVerdict.GONE,
    }
)


class SendCore:
    """Sends a conversation's waiting rows in order, until one may not leave now."""

    def __init__(
        self,
        *,
        outbox: OutboxPort,
        pace: PacePort,
        channels: Channels,
        reports: NumberReports,
        tracer: Tracer,
        name: str,
    ) -> None:
        self._outbox = outbox
        self._pace = pace
        self._channels = channels
        self._reports = reports
        self._tracer = tracer
        self._name = name
        self._running: dict[ConversationId, bool] = {}
        self._waking: set[ConversationId] = set()

    async def dispatch(self, conversation_id: ConversationId) -> None:
        """Sends what may leave now. A second call while one runs makes that one look again."""
        if conversation_id in self._running:
            self._running[conversation_id] = True
            return
        self._running[conversation_id] = True
        try:
            while self._running[conversation_id]:
                self._running[conversation_id] = False
                while await self._send_next(conversation_id):
                    pass
        finally:
            del self._running[conversation_id]

    async def show_typing(
        self, phone_number_id: PhysicalNumberId, wamid: str, *, typing: bool
    ) -> None:
        """Marks as read and shows typing; a courtesy whose failure is only counted."""
        try:
            channel = await self._channels.of(phone_number_id)
            await channel.mark_read_and_typing(phone_number_id, wamid, typing=typing)
        except (WhatsAppError, TransientError) as error:
            log.info("typing.not_shown", error=type(error).__name__)

    async def _send_next(self, conversation_id: ConversationId) -> bool:
        """Whether another row should be looked at now."""
        row = await self._outbox.next_row(conversation_id)
        if row is None or row.not_before > row.db_now:
            return False
        if row.phone_number_id is None or not row.number_usable:
            return False
        if not await self._paced(row, row.phone_number_id):
            return False
        attempt_id = AttemptId(new_id())
        started = time.perf_counter()
        claim = await self._outbox.claim(
            row.id, attempt_id, number=row.phone_number_id, sender=self._name
        )
        if claim.verdict is not ClaimVerdict.CLAIMED:
            return self._not_claimed(row, claim)
        self._trace(row, "send.claimed", started, attempt=claim.attempt_n, sender=self._name)
        return await self._post(row, row.phone_number_id, attempt_id, claim.attempt_n)

    async def _paced(self, row: OutboxRow, number: PhysicalNumberId) -> bool:
        self._tracer.trace(
            "number.chosen",
            row.conversation_id,
            message_id=row.message_id,
            phone_number_id=number,
            reason=row.number_reason or "o número em que o cliente escreveu",
        )
        while True:
            wait = await self._pace.wait_for(
                phone_number_id=number,
                contact=str(row.contact_id),
                messages_per_second=row.number_pace,
                business_initiated=row.business_initiated,
            )
            if not wait:
                return True
            if wait > _WAIT_HERE:
                self._later(row.conversation_id, wait)
                return False
            await asyncio.sleep(wait.total_seconds())

    def _not_claimed(self, row: OutboxRow, claim: Claim) -> bool:
        if claim.verdict is ClaimVerdict.WAITS_FOR_SENT and claim.retry_at is not None:
            self._later(row.conversation_id, claim.retry_at - row.db_now)
        if claim.verdict in {
            ClaimVerdict.FENCED,
            ClaimVerdict.LOOP_CAP,
            ClaimVerdict.WINDOW_CLOSED,
        }:
            self._trace(row, "turn.fenced", time.perf_counter(), verdict=claim.verdict)
            self._tracer.message(row.conversation_id, row.message_id)
        return claim.verdict in _GO_ON

    def _later(self, conversation_id: ConversationId, wait: timedelta) -> None:
        """A convenience wake-up, one per conversation; the sender actor finds the row without it."""
        seconds = max(wait.total_seconds(), 0.05)
        if seconds > 30 or conversation_id in self._waking:
            return
        self._waking.add(conversation_id)

        async def wake() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                self._waking.discard(conversation_id)
            await self.dispatch(conversation_id)

        spawn(wake(), name="dispatch later")

    async def _post(
        self, row: OutboxRow, number: PhysicalNumberId, attempt_id: AttemptId, attempt_n: int
    ) -> bool:
        started = time.perf_counter()
        try:
            channel = await self._channels.of(number)
            result = await channel.send_message(
                number,
                Recipient(phone=row.wa_id, bsuid=row.bsuid if row.wa_id is None else None),
                content_from_json(dict(row.content)),
                str(attempt_id),
                row.reply_to_wamid,
            )
        except VitrineError as error:
            return await self._refused(row, number, attempt_id, attempt_n, error, started)
        self._trace(
            row, "send.posted", started, http=200, wamid=result.wamid, phone_number_id=number
        )
        await self._outbox.record_accepted(
            Accepted(
                attempt_id=attempt_id,
                outbox_id=row.id,
                wamid=result.wamid,
                wa_id=result.wa_id,
                http_status=200,
            )
        )
        self._tracer.message(row.conversation_id, row.message_id)
        return True

    async def _refused(
        self,
        row: OutboxRow,
        number: PhysicalNumberId,
        attempt_id: AttemptId,
        attempt_n: int,
        error: VitrineError,
        started: float,
    ) -> bool:
        result = outcome_of(
            error,
            attempt_id=attempt_id,
            outbox_id=row.id,
            attempt_n=attempt_n,
            grace_s=UNKNOWN_GRACE.total_seconds(),
        )
        await self._outbox.record_not_accepted(result)
        log.warning(
            "send.refused",
            outbox_id=str(row.id),
            outcome=result.outcome,
            code=result.code,
            http=result.http_status,
            next_state=result.next_state,
        )
        self._trace(
            row,
            "send.posted",
            started,
            http=result.http_status,
            code=result.code,
            outcome=result.outcome,
            next_state=result.next_state,
            reason=result.reason,
        )
        if isinstance(error, GraphError):
            self._reports.refused(
                number, code=error.code, scope=error.failure.scope, reason=error.failure.reason
            )
        if result.next_state is OutboxState.QUEUED:
            self._later(row.conversation_id, timedelta(seconds=result.retry_after_s))
        self._tracer.message(row.conversation_id, row.message_id)
        return result.next_state in {OutboxState.FAILED, OutboxState.PARKED}

    def _trace(self, row: OutboxRow, stage: str, started: float, **detail: Any) -> None:
        ms = (time.perf_counter() - started) * 1000
        self._tracer.trace(stage, row.conversation_id, message_id=row.message_id, ms=ms, **detail)
