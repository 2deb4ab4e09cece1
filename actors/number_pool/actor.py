"""Ray's side of the NumberPool: one named actor; its rounds, and the calls of others."""

from __future__ import annotations

import asyncio
from typing import Final

import ray

from actors.beating import keep_beating
from actors.directory import NUMBER_POOL
from actors.number_pool.core import NumberPoolCore
from actors.number_pool.messages import ChooseNumber, ChosenNumber, NumberSignal
from actors.opening import open_beside
from actors.parts import open_parts
from actors.rounds import every
from config.settings import Settings
from domain.clock import SystemClock
from domain.ids import PhysicalNumberId
from telemetry.tasks import spawn

_REFRESH_EVERY_S: Final = 5.0
#: Quality drops are not reliably pushed by Meta, so they are asked for.
_POLL_EVERY_S: Final = 180.0


class NumberPool:
    """`number_pool`: chooses numbers for new threads and keeps their health."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next_poll = float("-inf")
        self._opening = open_beside(self._open(), name=NUMBER_POOL)

    async def _open(self) -> None:
        self._parts = await open_parts(self._settings, kind="number_pool", name=NUMBER_POOL)
        self._core = NumberPoolCore(
            self._parts.numbers, self._parts.channels, self._parts.live, SystemClock()
        )
        await self._core.refresh()
        spawn(keep_beating(self._parts, kind="number_pool"), name="beat")
        spawn(every(_REFRESH_EVERY_S, self._round, name="numbers"), name="number rounds")

    async def _round(self) -> None:
        """House events, a poll when one asks for it or it is time, else a look at the rows."""
        now = asyncio.get_running_loop().time()
        if await self._core.work_house_events() or now >= self._next_poll:
            self._next_poll = now + _POLL_EVERY_S
            await self._core.poll()
        else:
            await self._core.refresh()

    @ray.method
    async def choose(self, message: ChooseNumber) -> ChosenNumber | None:
        await self._opening
        written_to = PhysicalNumberId(message.written_to) if message.written_to else None
        choice = await self._core.handle_choose(
            traffic_class=message.traffic_class, written_to=written_to
        )
        if choice is None:
            return None
        return ChosenNumber(phone_number_id=choice.phone_number_id, reason=choice.reason)

    @ray.method
    async def signal(self, signals: tuple[NumberSignal, ...]) -> None:
        await self._opening
        await self._core.handle_signals(signals)

    @ray.method
    async def poke(self) -> None:
        """Webhooks about numbers were stored."""
        await self._opening
        await self._round()

    @ray.method
    async def ready(self) -> dict[str, object]:
        await self._opening
        return dict(self._parts.place)
