"""A periodic step of an actor: it misses rounds while the database is away and goes on after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from storage.pool import AWAY

log = structlog.get_logger()


async def every(seconds: float, step: Callable[[], Awaitable[object]], *, name: str) -> None:
    """Runs `step`, waits, and again, until cancelled; only failures of the database are ridden out."""
    while True:
        try:
            await step()
        except (asyncpg.PostgresError, *AWAY) as error:
            log.warning("round.missed", step=name, error=type(error).__name__)
        await asyncio.sleep(seconds)
