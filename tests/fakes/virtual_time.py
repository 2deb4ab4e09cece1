"""An event loop whose time is a number: it jumps to the next timer when nothing is ready.

Ninety seconds of grace take no time, and a run is the same every time. A seed shuffles the order in
which ready callbacks run, so that one scenario is seen in many interleavings.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar

from typing_extensions import override

T = TypeVar("T")

#: asyncio's own step, which its stubs do not name.
_RUN_ONCE: Final[Callable[[asyncio.BaseEventLoop], None]] = vars(asyncio.BaseEventLoop)["_run_once"]

START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


class NothingWillHappenError(RuntimeError):
    """Everybody waits and no timer is set: in real time the program would hang here."""


class _Jump:
    """In the place of the selector: waiting is moving the clock."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise NothingWillHappenError
        self._loop.now += timeout
        return []


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """Neither sockets nor threads; `now` is seconds since START."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.now = 0.0
        self._selector = _Jump(self)
        self._dice = None if seed is None else Random(seed)
        self._ready: deque[asyncio.Handle]

    @override
    def time(self) -> float:
        return self.now

    def datetime(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs until `work` is done; everything else goes on beside it."""
        return self.run_until_complete(work)

    def advance(self, seconds: float) -> None:
        self.run_until_complete(asyncio.sleep(seconds))

    def until(self, look: Callable[[], object], *, within: float = 600.0) -> None:
        """Goes from one timer to the next until `look` says yes. AssertionError after `within`."""
        end = self.now + within
        while not look():
            assert self.now < end, "it did not happen in time"
            self.run_until_complete(asyncio.sleep(0.001))

    def end(self) -> None:
        """Cancels what still runs and closes the loop."""
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left))
        self.close()

    def _run_once(self) -> None:
        if self._dice is not None and len(self._ready) > 1:
            self._dice.shuffle(self._ready)
        _RUN_ONCE(self)

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There is no other thread to be woken by."""
