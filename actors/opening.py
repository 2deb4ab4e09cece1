"""How an actor opens: beside the calls that wait for it, and whole or not at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from telemetry.tasks import start

log = structlog.get_logger()

#: Before Ray may start the actor again: what failed, a database that restarts, needs a moment.
_REST_S: Final = 1.0


def open_beside(work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
    """Starts the opening of the actor of this process; its calls await the task.

    An opening that fails ends the process, and Ray starts the actor anew. One that stayed, half open,
    would answer every call with the same error, and nobody would start it again.
    """
    return start(_open_or_end(work, name), name=f"open {name}")


async def _open_or_end(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except Exception:
        # The actor's outermost edge: whatever it was, half an opening is not gone on with.
        log.exception("actor.not_opened", actor=name)
        await asyncio.sleep(_REST_S)
        os._exit(1)
