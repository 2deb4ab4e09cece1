"""The sign of life every actor process gives: who it is, what it holds, how much memory it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import psutil
import ray
import structlog

from actors.parts import Parts
from domain.clock import SystemClock
from storage.actor_rows import Beat

log = structlog.get_logger()

BEAT_EVERY_S: Final = 3.0


async def keep_beating(
    parts: Parts, *, kind: str, residents: Callable[[], Sequence[Mapping[str, Any]]] = list
) -> None:
    """Beats until cancelled. A beat that cannot be stored is missed, not fatal."""
    process = psutil.Process()
    started_at = SystemClock().now()
    while True:
        try:
            beat = _beat(parts, kind, process, started_at, residents())
            parts.senders.alive = await parts.actor_rows.beat(beat)
        except (asyncpg.PostgresError, OSError, TimeoutError) as error:
            log.warning("actor.beat_missed", actor=parts.name, error=type(error).__name__)
        await asyncio.sleep(BEAT_EVERY_S)


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
