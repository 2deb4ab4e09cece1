"""The one allowed way to start a background task: it keeps the reference and logs the failure."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Any], *, name: str) -> None:
    """Starts `work` beside the caller; a failure is logged with its trace, cancellation is not."""
    _ = start(work, name=name)


def start(work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """The same for a caller who will await, cancel or look at the task."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_finished)
    return task


def _finished(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if task.cancelled():
        return
    failure = task.exception()
    if failure is not None:
        log.error("task.failed", task=task.get_name(), exc_info=failure)
