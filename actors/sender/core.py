"""SendCore: `claim_and_send`, the one way a message leaves. Knows nothing of Ray.

Order: number → pacing slot → claim → POST. Nothing waits after the claim, and each retry is a new
claim. Conversations run it for their own rows after a commit; the sender actor for what is left.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

import structlog

from actors.conversation.ports import Tracer
from actors.sender.outcome import outcome_of
from actors.sender.ports import Channels, NumberReports, OutboxPort, PacePort
from config.limits import CLAIM_MARGIN, UNKNOWN_GRACE
from domain.content import content_from_json
from domain.errors import TransientError, VitrineError
from domain.ids import AttemptId, ConversationId, PhysicalNumberId, new_id
from domain.outbox import Accepted, Claim, ClaimVerdict, Lane, OutboxRow, OutboxState
from integrations.whatsapp.errors import GraphError, NotSentError, WhatsAppError
from integrations.whatsapp.outbound import Recipient
from telemetry.failpoints import Failpoint, failpoint
from telemetry.tasks import spawn

log = structlog.get_logger()

#: A pacing wait longer than this is left to the sender actor instead of holding the conversation.
_WAIT_HERE: Final = timedelta(seconds=2)

#: After these the next row of the conversation may be able to leave.
_GO_ON: Final = frozenset(
    {
        ClaimVerdict.FENCED,
        ClaimVerdict.DECISION_EXPIRED,
        ClaimVerdict.NOT_NOTICED,
        ClaimVerdict.REPLIES_ONLY,
        ClaimVerdict.LOOP_CAP,
        ClaimVerdict.WINDOW_CLOSED,
        ClaimVerdict.SETTLED,
        ClaimVerdict.OTHER_LANE,
    }
)

#: The claim itself filed an event about the row: a person has to see it.
_GIVEN_UP: Final = frozenset({ClaimVerdict.LOOP_CAP, ClaimVerdict.WINDOW_CLOSED})

#: The stage that says why a row will not leave; only the first is a person's doing.
_STAGES: Final = {
    ClaimVerdict.FENCED: "turn.fenced",
    ClaimVerdict.NOT_NOTICED: "send.not_noticed",
    ClaimVerdict.DECISION_EXPIRED: "send.decision_expired",
    ClaimVerdict.LOOP_CAP: "send.loop_cap",
    ClaimVerdict.WINDOW_CLOSED: "send.window_closed",
}


class _Posted(Enum):
    """What a POST means for the conversation's other rows."""

    #: Nothing else may leave now.
    LAST = auto()
    ANOTHER_WAITS = auto()
    #: It will not leave; the next row may, and an event tells a person.
    GIVEN_UP = auto()


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

    async def dispatch(self, conversation_id: ConversationId, lane: Lane | None = None) -> bool:
        """Sends what may leave now. A second call while one runs makes that one look again.

        `lane` is where the caller expects the next message to leave; guessing wrong costs a round trip.
        True when a message was given up: then an event about it waits in the conversation's inbox.
        """
        if conversation_id in self._running:
            self._running[conversation_id] = True
            return False
        self._running[conversation_id] = True
        gave_up = False
        try:
            while self._running[conversation_id]:
                self._running[conversation_id] = False
                gave_up |= await self._send_waiting(conversation_id, lane)
        finally:
            del self._running[conversation_id]
        return gave_up

    def is_sending(self) -> bool:
        """Whether ending this process now could leave a send's outcome unknown."""
        return bool(self._running)

    async def show_typing(
        self, phone_number_id: PhysicalNumberId, wamid: str, *, typing: bool
    ) -> None:
        """Marks as read and shows typing; a courtesy whose failure is only counted."""
        try:
            channel = await self._channels.of(phone_number_id)
            await channel.mark_read_and_typing(phone_number_id, wamid, typing=typing)
        except (WhatsAppError, TransientError) as error:
            log.info("typing.not_shown", error=type(error).__name__)

    async def _send_waiting(self, conversation_id: ConversationId, lane: Lane | None) -> bool:
        """Whether a message was given up."""
        gave_up = False
        while lane is None or await self._paced(conversation_id, lane):
            attempt_id = AttemptId(new_id())
            started = time.perf_counter()
            claim = await self._outbox.claim_next(
                conversation_id, attempt_id, lane=lane, sender=self._name
            )
            row = claim.row
            if row is None:
                break
            lane = row.lane
            if claim.verdict is not ClaimVerdict.CLAIMED:
                gave_up |= claim.verdict in _GIVEN_UP
                if not self._not_claimed(row, claim):
                    break
                continue
            failpoint(Failpoint.AFTER_CLAIM)
            self._tell_claimed(row, started, claim.attempt_n)
            posted = await self._post(row, attempt_id, claim.attempt_n, started)
            gave_up |= posted is _Posted.GIVEN_UP
            if posted is _Posted.LAST:
                break
        return gave_up

    async def _paced(self, conversation_id: ConversationId, lane: Lane) -> bool:
        while True:
            wait = await self._pace.wait_for(
                phone_number_id=lane.phone_number_id,
                contact=str(lane.contact_id),
                messages_per_second=lane.messages_per_second,
                business_initiated=lane.business_initiated,
            )
            if not wait:
                return True
            if wait > _WAIT_HERE:
                self._later(conversation_id, wait)
                return False
            await asyncio.sleep(wait.total_seconds())

    def _tell_claimed(self, row: OutboxRow, started: float, attempt_n: int) -> None:
        self._tracer.trace(
            "number.chosen",
            row.conversation_id,
            message_id=row.message_id,
            phone_number_id=row.lane.phone_number_id,
            reason=row.number_reason or "o número em que o cliente escreveu",
        )
        self._trace(row, "send.claimed", started, attempt=attempt_n, sender=self._name)

    def _not_claimed(self, row: OutboxRow, claim: Claim) -> bool:
        if claim.verdict is ClaimVerdict.WAITS_FOR_SENT and claim.retry_after is not None:
            self._later(row.conversation_id, claim.retry_after)
        stage = _STAGES.get(claim.verdict)
        if stage is not None:
            self._trace(row, stage, time.perf_counter())
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
        self, row: OutboxRow, attempt_id: AttemptId, attempt_n: int, claimed: float
    ) -> _Posted:
        number = row.lane.phone_number_id
        started = time.perf_counter()
        try:
            channel = await self._channels.of(number)
            failpoint(Failpoint.BEFORE_POST)
            if time.perf_counter() - claimed > CLAIM_MARGIN.total_seconds():
                # Whoever was held up so long may have been given up: the row may leave elsewhere now.
                raise NotSentError("held up between claim and POST")
            result = await channel.send_message(
                number,
                Recipient(phone=row.wa_id, bsuid=row.bsuid if row.wa_id is None else None),
                content_from_json(dict(row.content)),
                str(attempt_id),
                row.reply_to_wamid,
            )
        except VitrineError as error:
            return await self._refused(row, attempt_id, attempt_n, error, started)
        failpoint(Failpoint.AFTER_POST)
        self._trace(
            row, "send.posted", started, http=200, wamid=result.wamid, phone_number_id=number
        )
        another_waits = await self._outbox.record_accepted(
            Accepted(
                attempt_id=attempt_id,
                outbox_id=row.id,
                wamid=result.wamid,
                wa_id=result.wa_id,
                http_status=200,
            )
        )
        failpoint(Failpoint.RESULT_STORED)
        self._tracer.message(row.conversation_id, row.message_id)
        return _Posted.ANOTHER_WAITS if another_waits else _Posted.LAST

    async def _refused(
        self,
        row: OutboxRow,
        attempt_id: AttemptId,
        attempt_n: int,
        error: VitrineError,
        started: float,
    ) -> _Posted:
        result = outcome_of(
            error,
            attempt_id=attempt_id,
            outbox_id=row.id,
            attempt_n=attempt_n,
            grace_s=UNKNOWN_GRACE.total_seconds(),
        )
        failpoint(Failpoint.REFUSAL_KNOWN)
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
            self._reports.refused(row.lane.phone_number_id, error.failure, code=error.code)
        if result.next_state is OutboxState.QUEUED:
            self._later(row.conversation_id, timedelta(seconds=result.retry_after_s))
        self._tracer.message(row.conversation_id, row.message_id)
        given_up = result.next_state in {OutboxState.FAILED, OutboxState.PARKED}
        return _Posted.GIVEN_UP if given_up else _Posted.LAST

    def _trace(self, row: OutboxRow, stage: str, started: float, **detail: Any) -> None:
        ms = (time.perf_counter() - started) * 1000
        self._tracer.trace(stage, row.conversation_id, message_id=row.message_id, ms=ms, **detail)
