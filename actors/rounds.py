"""A periodic step of an actor: a round that fails is missed, and the next one comes all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from storage.pool import AWAY

log = structlog.get_logger()


async def every(seconds: float, step: Callable[[], Awaitable[object]], *, name: str) -> None:
    """Runs `step`, waits, and again, until cancelled. What fails is logged: a defect with its trace.

    A step may fail in a group, because it works many conversations beside each other.
    """
    while True:
        try:
            await step()
        except* (asyncpg.PostgresError, *AWAY) as missed:
            kinds = sorted({type(error).__name__ for error in missed.exceptions})
            log.warning("round.missed", step=name, errors=kinds)
        except* Exception:
            # The outermost edge: a step that ended for ever would be missed by nobody.
            log.exception("round.failed", step=name)
        await asyncio.sleep(seconds)
