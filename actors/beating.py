"""The sign of life every actor process gives: who it is, what it holds, how much memory it takes.

With it goes what the process counted, and back comes how many processes send messages now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import psutil
import ray

from actors.parts import Parts
from actors.rounds import every
from domain.clock import SystemClock
from storage.actor_rows import Beat
from storage.counters import CounterTotals
from telemetry.metrics import UNSTORED

BEAT_EVERY_S: Final = 3.0


class Hosted(Protocol):
    """The conversations that live in a process."""

    def __len__(self) -> int: ...
    def describe(self) -> Sequence[Mapping[str, Any]]: ...


async def keep_beating(parts: Parts, *, kind: str, hosted: Hosted | None = None) -> None:
    """Beats until cancelled. A beat that cannot be stored is missed, not fatal."""
    process = psutil.Process()
    counters = CounterTotals(parts.pool)
    started_at = SystemClock().now()

    async def step() -> None:
        beat = _beat(parts, kind, process, started_at, hosted)
        parts.senders.live = await parts.actor_rows.beat(beat)
        await _hand_on(counters)

    await every(BEAT_EVERY_S, step, name="beat")


async def _hand_on(counters: CounterTotals) -> None:
    """Adds what this process counted since the last beat to the house's totals."""
    counted = UNSTORED.amounts()
    if counted:
        await counters.add(counted)
        UNSTORED.mark_stored(counted)


def _beat(
    parts: Parts,
    kind: str,
    process: psutil.Process,
    started_at: datetime,
    hosted: Hosted | None,
) -> Beat:
    context = ray.get_runtime_context()
    actor_id = context.get_actor_id() or ""
    return Beat(
        name=parts.name,
        kind=kind,
        actor_id=actor_id,
        node=str(parts.place["node"]),
        pid=process.pid,
        memory_bytes=process.memory_info().rss,
        started_at=started_at,
        residents=() if hosted is None else hosted.describe(),
        resident_count=0 if hosted is None else len(hosted),
    )
