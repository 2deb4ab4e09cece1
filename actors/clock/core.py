"""ClockCore: fires timers and rings again for what was stored and not worked. Two are harmless."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

import structlog

from domain.doorbell import Doorbell, Ring, RingReason
from domain.ids import ConversationId
from telemetry.failpoints import Failpoint, failpoint

log = structlog.get_logger()

#: Long enough that a doorbell on its way is not doubled, short enough to repair a lost one unseen.
SWEEP_AGE_S: Final = 4.0
#: At most so many a round: a backlog comes back in groups and not as a flood.
SWEEP_AT_ONCE: Final = 100


class Timers(Protocol):
    async def fire_due(self, *, limit: int = 200) -> list[ConversationId]: ...


class Unworked(Protocol):
    async def list_unworked(
        self, *, older_than_s: float, buckets: list[int] | None = None, limit: int = 500
    ) -> list[ConversationId]: ...


class Waiting(Protocol):
    """Events whose sender or number was not known when they came."""

    async def adopt(self, *, limit: int = 100) -> list[Ring]: ...


class Housekeeping(Protocol):
    async def forget_silent(self) -> None: ...


class Sweepable(Protocol):
    async def sweep(self) -> None: ...


class ClockCore:
    """The periodic steps; the shell calls each at its own interval."""

    def __init__(
        self,
        *,
        timers: Timers,
        unworked: Unworked,
        waiting: Waiting,
        house: Housekeeping,
        idempotency: Sweepable,
        doorbell: Doorbell,
    ) -> None:
        self._timers = timers
        self._unworked = unworked
        self._waiting = waiting
        self._house = house
        self._idempotency = idempotency
        self._doorbell = doorbell

    async def fire_timers(self) -> int:
        """How many timers were due."""
        fired = await self._timers.fire_due()
        if fired:
            failpoint(Failpoint.TIMERS_FIRED)
        await self._ring(fired)
        return len(fired)

    async def sweep(self) -> int:
        """Rings for conversations with stored events nobody works; how many there were."""
        forgotten = await self._unworked.list_unworked(
            older_than_s=SWEEP_AGE_S, limit=SWEEP_AT_ONCE
        )
        if forgotten:
            failpoint(Failpoint.SWEPT)
            log.info("sweep.rang", count=len(forgotten))
        await self._ring(forgotten)
        return len(forgotten)

    async def adopt(self) -> int:
        """Takes in what waited for its number to become known; how many rings that made."""
        rings = await self._waiting.adopt()
        if rings:
            await self._doorbell.ring(rings)
        return len(rings)

    async def tidy(self) -> None:
        """Drops what nobody needs any more: beats of dead actors, old idempotency keys."""
        await self._house.forget_silent()
        await self._idempotency.sweep()

    async def _ring(self, conversations: Iterable[ConversationId]) -> None:
        rings = [
            Ring(conversation_id=c, reason=RingReason.MESSAGE) for c in dict.fromkeys(conversations)
        ]
        if rings:
            await self._doorbell.ring(rings)
