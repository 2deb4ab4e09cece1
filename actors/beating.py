"""The sign of life every actor process gives: who it is, what it holds, how much memory it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import psutil
import ray

from actors.parts import Parts
from actors.rounds import every
from domain.clock import SystemClock
from storage.actor_rows import Beat

BEAT_EVERY_S: Final = 3.0


async def keep_beating(
    parts: Parts, *, kind: str, residents: Callable[[], Sequence[Mapping[str, Any]]] = list
) -> None:
    """Beats until cancelled. A beat that cannot be stored is missed, not fatal."""
    process = psutil.Process()
    started_at = SystemClock().now()

    async def beat() -> None:
        await parts.actor_rows.beat(_beat(parts, kind, process, started_at, residents()))

    await every(BEAT_EVERY_S, beat, name="beat")


def _beat(
    parts: Parts,
    kind: str,
    process: psutil.Process,
    started_at: datetime,
    residents: Sequence[Mapping[str, Any]],
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
        residents=residents,
    )
