"""Ray's side of time: fires timers, sweeps the inbox, tidies, watches the invariants. Two of it are harmless."""

from __future__ import annotations

from typing import Final

import ray

from actors.beating import keep_beating
from actors.clock.core import ClockCore
from actors.clock.money import MoneyWatch
from actors.clock.watch import Watch
from actors.directory import CLOCK
from actors.opening import open_beside
from actors.parts import open_parts
from actors.rounds import every
from config.settings import Settings
from storage.adoption import Adoption
from storage.conversations import ConversationStore
from storage.door import remember_refusals
from storage.idempotency import IdempotencyKeys
from storage.invariants import Invariants
from storage.spending import SpendingStore
from storage.timers import TimerStore
from telemetry.tasks import spawn

_TIMERS_EVERY_S: Final = 1.0
_SWEEP_EVERY_S: Final = 2.0
_ADOPT_EVERY_S: Final = 2.0
_TIDY_EVERY_S: Final = 30.0
#: What may be spent beyond the cap is what all turns cost in this time.
_MONEY_EVERY_S: Final = 15.0
#: Also how long the house has to start before it is judged.
_WATCH_EVERY_S: Final = 60.0


class ClockActor:
    """`clock`: the periodic steps of the house."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = False
        self._opening = open_beside(self._open(), name=CLOCK)

    async def _open(self) -> None:
        self._parts = await open_parts(self._settings, kind="clock", name=CLOCK)
        core = ClockCore(
            timers=TimerStore(self._parts.pool),
            unworked=ConversationStore(self._parts.pool),
            waiting=Adoption(self._parts.pool, self._parts.numbers),
            house=self._parts.actor_rows,
            idempotency=IdempotencyKeys(self._parts.pool),
            doorbell=self._parts.doorbell,
        )
        money = MoneyWatch(
            SpendingStore(self._parts.pool, self._settings.timezone),
            self._parts.live,
            cap_micros=self._settings.model_day_cap_micros,
        )
        spawn(keep_beating(self._parts, kind="clock"), name="beat")
        spawn(every(_TIMERS_EVERY_S, core.fire_timers, name="timers"), name="timers")
        spawn(every(_SWEEP_EVERY_S, core.sweep, name="sweep"), name="sweep")
        spawn(every(_ADOPT_EVERY_S, core.adopt, name="adopt"), name="adopt")
        spawn(every(_TIDY_EVERY_S, core.tidy, name="tidy"), name="tidy")
        spawn(every(_MONEY_EVERY_S, money.look, name="money"), name="money")
        spawn(every(_WATCH_EVERY_S, self._watch, name="watch"), name="watch")

    async def _watch(self) -> None:
        """Judges the house, from the second round on: at the first it is still starting."""
        if self._started:
            await remember_refusals(self._parts.pool)
            await Watch(Invariants(self._parts.pool)).look()
        self._started = True

    @ray.method
    async def ready(self) -> dict[str, object]:
        await self._opening
        return dict(self._parts.place)
