"""NumberPoolCore: health and choice of the physical numbers.

Its truth is PostgreSQL; what it holds in memory (recent troubles, a copy of the rows) may be lost.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

import structlog

from actors.number_pool.messages import NumberSignal
from domain.clock import Clock
from domain.errors import TransientError
from domain.ids import PhysicalNumberId
from domain.number import NumberHealth, NumberState, PhysicalNumber, Trouble, judge
from integrations.whatsapp.errors import WhatsAppError
from integrations.whatsapp.reports import NumberReport
from routing.outbound import Choice, choose_number
from storage.numbers import HouseEvent, NumberRow
from telemetry.failpoints import Failpoint, failpoint

log = structlog.get_logger()

_TROUBLES_KEPT: Final = 50


class NumbersPort(Protocol):
    async def list_numbers(self) -> list[NumberRow]: ...
    async def save_health(
        self,
        number: PhysicalNumberId,
        *,
        state: str,
        health: str,
        reason: str,
        quarantined_until: datetime | None,
    ) -> None: ...
    async def save_report(
        self,
        number: PhysicalNumberId,
        *,
        quality: str | None,
        meta_status: str | None,
        messaging_limit: str | None,
        verified_name: str | None,
        messages_per_second: int | None,
    ) -> None: ...
    async def list_house_events(self, *, limit: int) -> list[HouseEvent]: ...
    async def mark_worked(self, seqs: Sequence[int], outcome: str) -> None: ...


class NumberReader(Protocol):
    async def get_number(self, phone_number_id: str) -> NumberReport: ...


class NumberReaders(Protocol):
    async def of(self, phone_number_id: PhysicalNumberId) -> NumberReader: ...


class NumberPoolCore:
    """Chooses numbers for new threads and keeps each one's health."""

    def __init__(self, store: NumbersPort, readers: NumberReaders, clock: Clock) -> None:
        self._store = store
        self._readers = readers
        self._clock = clock
        self._numbers: dict[PhysicalNumberId, PhysicalNumber] = {}
        self._troubles: defaultdict[str, deque[Trouble]] = defaultdict(
            lambda: deque(maxlen=_TROUBLES_KEPT)
        )

    async def refresh(self) -> None:
        """Reads the numbers again and writes back the health that has changed by time or signals."""
        rows = await self._store.list_numbers()
        self._numbers = {row.phone_number_id: _number(row) for row in rows}
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
        failpoint(Failpoint.NUMBER_CHOSEN)
        return choice

    async def handle_signals(self, signals: Sequence[NumberSignal]) -> None:
        """Refusals that concern a number; those of single messages are not its fault."""
        touched = set()
        for signal in signals:
            self._troubles[signal.phone_number_id].append(
                Trouble(
                    at=self._clock.now(), code=signal.code, scope=signal.scope, reason=signal.reason
                )
            )
            touched.add(signal.phone_number_id)
        for number_id in touched:
            number = self._numbers.get(PhysicalNumberId(number_id))
            if number is not None:
                await self._judge(number)

    async def poll(self) -> None:
        """Asks Meta for each number; a server without that read changes nothing."""
        for number in list(self._numbers.values()):
            try:
                reader = await self._readers.of(number.phone_number_id)
                report = await reader.get_number(number.phone_number_id)
            except (WhatsAppError, TransientError) as error:
                log.info("number.poll_failed", error=type(error).__name__)
                continue
            pace = 1000 if report.throughput_level == "HIGH" else None
            await self._store.save_report(
                number.phone_number_id,
                quality=report.quality_rating,
                meta_status=report.status,
                messaging_limit=report.messaging_limit,
                verified_name=report.verified_name,
                messages_per_second=pace,
            )
            if report.can_send_message == "BLOCKED":
                self._troubles[number.phone_number_id].append(
                    Trouble(
                        at=self._clock.now(),
                        code=None,
                        scope="number",
                        reason="a Meta bloqueou o envio (health_status)",
                    )
                )
        await self.refresh()

    async def work_house_events(self) -> bool:
        """Webhooks about numbers and accounts; True when one of them asks for a poll at once."""
        events = await self._store.list_house_events(limit=200)
        for event in events:
            if event.kind == "account" and event.payload.get("event") in _ACCOUNT_STOPS:
                for number in self._numbers.values():
                    self._troubles[number.phone_number_id].append(
                        Trouble(
                            at=self._clock.now(),
                            code=None,
                            scope="account",
                            reason=f"aviso da Meta: {event.payload['event']}",
                        )
                    )
        if events:
            await self._store.mark_worked([e.seq for e in events], "worked")
        return any(e.kind in {"number", "account"} for e in events)

    async def _judge(self, number: PhysicalNumber) -> None:
        verdict = judge(number, self._troubles[number.phone_number_id], self._clock.now())
        changed = replace(
            number,
            state=verdict.state,
            health=verdict.health,
            health_reason=verdict.reason,
            quarantined_until=verdict.quarantined_until,
        )
        if changed == number:
            return
        log.warning(
            "number.health_changed",
            number=number.phone_number_id,
            health=verdict.health,
            state=verdict.state,
        )
        await self._store.save_health(
            number.phone_number_id,
            state=verdict.state,
            health=verdict.health,
            reason=verdict.reason,
            quarantined_until=verdict.quarantined_until,
        )
        self._numbers[number.phone_number_id] = changed


_ACCOUNT_STOPS: Final = frozenset({"ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "ACCOUNT_DELETED"})


def _number(row: NumberRow) -> PhysicalNumber:
    return PhysicalNumber(
        phone_number_id=row.phone_number_id,
        facade_id=row.facade_id,
        is_facade=row.is_facade,
        display_phone=row.display_phone,
        traffic_classes=tuple(row.traffic_classes),
        weight=row.weight,
        state=NumberState(row.state),
        health=NumberHealth(row.health),
        health_reason=row.health_reason,
        quarantined_until=row.quarantined_until,
        quality=row.quality,
        meta_status=row.meta_status,
        open_threads=row.open_threads,
    )
