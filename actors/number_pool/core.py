"""NumberPoolCore: health and choice of the physical numbers.

Its truth is PostgreSQL; what it holds in memory (recent troubles, a copy of the rows) may be lost.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from actors.number_pool.messages import NumberSignal
from domain.account import AccountStanding, standing_after
from domain.clock import Clock
from domain.errors import TransientError
from domain.ids import PhysicalNumberId
from domain.inbound import AccountUpdate, item_from_json
from domain.number import PhysicalNumber, Trouble, Verdict, judge
from domain.phone import digits
from integrations.whatsapp.errors import WhatsAppError
from integrations.whatsapp.reports import NumberReport
from routing.outbound import Choice, choose_number
from storage.numbers import HouseEvent, NumberReading
from telemetry.failpoints import Failpoint, failpoint

log = structlog.get_logger()

_TROUBLES_KEPT: Final = 50
#: Messages a second by Meta's throughput level; one it does not name changes nothing.
_PACES: Final = {"STANDARD": 80, "HIGH": 1000}


class NumbersPort(Protocol):
    async def list_numbers(self) -> list[PhysicalNumber]: ...
    async def save_health(self, number: PhysicalNumberId, verdict: Verdict) -> None: ...
    async def save_report(self, number: PhysicalNumberId, reading: NumberReading) -> None: ...
    async def save_standing(
        self, waba_id: str, standing: AccountStanding, *, at: datetime
    ) -> bool: ...
    async def list_house_events(self, *, limit: int) -> list[HouseEvent]: ...
    async def mark_worked(self, seqs: Sequence[int], outcome: str) -> None: ...


class NumberReader(Protocol):
    async def get_number(self, phone_number_id: str) -> NumberReport: ...


class NumberReaders(Protocol):
    async def of(self, phone_number_id: PhysicalNumberId) -> NumberReader: ...


class Feed(Protocol):
    """The live picture; returns at once and never raises."""

    def emit(self, event: str, data: Mapping[str, Any]) -> None: ...


class NumberPoolCore:
    """Chooses numbers for new threads and keeps each one's health."""

    def __init__(
        self, store: NumbersPort, readers: NumberReaders, feed: Feed, clock: Clock
    ) -> None:
        self._store = store
        self._readers = readers
        self._feed = feed
        self._clock = clock
        self._numbers: dict[PhysicalNumberId, PhysicalNumber] = {}
        self._troubles: defaultdict[PhysicalNumberId, deque[Trouble]] = defaultdict(
            lambda: deque(maxlen=_TROUBLES_KEPT)
        )

    async def refresh(self) -> None:
        """Reads the numbers again and writes back the health that has changed by time or signals."""
        self._numbers = {n.phone_number_id: n for n in await self._store.list_numbers()}
        for number in list(self._numbers.values()):
            await self._judge(number)

    async def handle_choose(
        self, *, traffic_class: str, written_to: PhysicalNumberId | None
    ) -> Choice | None:
        """The number for a thread, with the reason; None when none may send."""
        if not self._numbers:
            await self.refresh()
        choice = choose_number(
            list(self._numbers.values()), traffic_class=traffic_class, written_to=written_to
        )
        if choice is not None and choice.phone_number_id != written_to:
            # Counted at once, so that a burst of new threads spreads before the next refresh.
            chosen = self._numbers[choice.phone_number_id]
            self._numbers[choice.phone_number_id] = replace(
                chosen, open_threads=chosen.open_threads + 1
            )
        return choice

    async def handle_signals(self, signals: Sequence[NumberSignal]) -> None:
        """Refusals, answered at once or told later: those of an account concern all its numbers."""
        failpoint(Failpoint.REFUSAL_HEARD)
        touched: set[PhysicalNumberId] = set()
        for signal in signals:
            trouble = Trouble(
                at=self._clock.now(),
                code=signal.code,
                scope=signal.scope,
                stops=signal.stops,
                reason=signal.reason,
            )
            for concerned in self._concerned(signal):
                self._troubles[concerned].append(trouble)
                touched.add(concerned)
        for number_id in touched:
            if (number := self._numbers.get(number_id)) is not None:
                await self._judge(number)

    def _concerned(self, signal: NumberSignal) -> list[PhysicalNumberId]:
        own = PhysicalNumberId(signal.phone_number_id)
        known = self._numbers.get(own)
        if signal.scope != "account" or not signal.stops or known is None:
            return [own]
        return [
            n.phone_number_id for n in self._numbers.values() if n.account_id == known.account_id
        ]

    async def poll(self) -> None:
        """Asks Meta for each number; a server without that read changes nothing."""
        for number in list(self._numbers.values()):
            try:
                reader = await self._readers.of(number.phone_number_id)
                report = await reader.get_number(number.phone_number_id)
            except (WhatsAppError, TransientError) as error:
                log.info("number.poll_failed", error=type(error).__name__)
                continue
            await self._store.save_report(number.phone_number_id, _reading(report))
            if report.can_send_message == "BLOCKED":
                self._troubles[number.phone_number_id].append(
                    Trouble(
                        at=self._clock.now(),
                        code=None,
                        scope="number",
                        stops=True,
                        reason="a Meta bloqueou o envio (health_status)",
                    )
                )
        await self.refresh()

    async def work_house_events(self) -> bool:
        """Webhooks about numbers and accounts; True when one of them asks for a poll at once."""
        events = await self._store.list_house_events(limit=200)
        for event in events:
            if event.kind == AccountUpdate.kind:
                await self._heed(event)
        if events:
            await self._store.mark_worked([e.seq for e in events], "worked")
        return any(e.kind in {"number", "account"} for e in events)

    async def _heed(self, event: HouseEvent) -> None:
        """A notice about an account: what it says of sending is kept, and people are told at once."""
        notice = item_from_json(event.payload)
        if not isinstance(notice, AccountUpdate) or event.waba_id is None:
            return
        standing = standing_after(notice)
        if standing is None:
            return
        ours = await self._store.save_standing(event.waba_id, standing, at=notice.at)
        log.warning(
            "account.standing", waba_id=event.waba_id, standing=standing.standing, ours=ours
        )
        if ours:
            self._feed.emit("system", {})

    async def _judge(self, number: PhysicalNumber) -> None:
        verdict = judge(number, self._troubles[number.phone_number_id], self._clock.now())
        judged = replace(
            number,
            health=verdict.health,
            health_reason=verdict.reason,
            quarantined_until=verdict.quarantined_until,
            replies_only=verdict.replies_only,
        )
        if judged == number:
            return
        log.warning(
            "number.health_changed",
            number=number.phone_number_id,
            health=judged.health,
            state=judged.state,
            replies_only=judged.replies_only,
        )
        await self._store.save_health(number.phone_number_id, verdict)
        self._numbers[number.phone_number_id] = judged
        self._feed.emit("system", {})


def _reading(report: NumberReport) -> NumberReading:
    return NumberReading(
        quality=report.quality_rating,
        meta_status=report.status,
        messaging_limit=report.messaging_limit,
        verified_name=report.verified_name,
        messages_per_second=_PACES.get(report.throughput_level or ""),
        display_phone=digits(report.display_phone or "") or None,
    )
