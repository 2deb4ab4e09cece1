"""Processes of ours that can be killed, and the network between them and the world.

A call to a port of another process travels there, happens at one instant, and its answer travels
back. It may be cut before it arrives, or happen and lose its answer. A killed process is not
heard again, whatever its `finally` blocks still try; what it had already sent may still happen.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar, cast
from weakref import WeakSet

from typing_extensions import override

from telemetry.tasks import start

T = TypeVar("T")

_current: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class CutOffError(ConnectionResetError):
    """The connection broke; to the product one of storage/pool.py's AWAY."""


@dataclass
class Trouble:
    """Shares of calls that never arrive, and of those that happen and lose their answer."""

    cut: float = 0.0
    unanswered: float = 0.0
    #: Seconds of one way: the fastest and the slowest.
    way: tuple[float, float] = (0.0005, 0.004)


class Network:
    def __init__(self, loop: asyncio.AbstractEventLoop, dice: Random) -> None:
        self.loop = loop
        self.dice = dice
        self.trouble = Trouble()

    def way(self) -> float:
        return self.dice.uniform(*self.trouble.way)

    def happens(self, share: float) -> bool:
        return share > 0 and self.dice.random() < share


class Process:
    """Tasks started in it are its own, and so are theirs."""

    def __init__(self, name: str, network: Network) -> None:
        self.name = name
        self.network = network
        self.alive = True
        self._tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._context = contextvars.copy_context()
        self._context.run(_current.set, self)

    def run(self, work: Callable[[], T]) -> T:
        """Calls `work` inside this process."""
        return self._context.copy().run(work)

    def start(self, work: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """A task of this process, as the product starts its own."""
        return self.run(lambda: start(work, name=name))

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)

    def kill(self) -> None:
        """Like SIGKILL: nothing it does from now on reaches anybody."""
        self.alive = False
        for task in list(self._tasks):
            task.cancel()

    def remote(self, target: T) -> T:
        """`target` as this process sees it: on the other side of the network."""
        return cast(T, _Remote(self, target))

    async def call(self, happen: Callable[[], T]) -> T:
        """Travels there, does it in one step, travels back. Raises CutOffError."""
        self._check()
        network, loop, trouble = self.network, self.network.loop, self.network.trouble
        if network.happens(trouble.cut):
            await asyncio.sleep(network.way())
            raise CutOffError
        answer: asyncio.Future[T] = loop.create_future()
        lost = network.happens(trouble.unanswered)
        arrival = loop.call_later(network.way(), self._arrive, happen, answer, lost)
        try:
            value = await answer
        except asyncio.CancelledError:
            if network.happens(0.5):  # a statement that was cancelled in time
                arrival.cancel()
            raise
        self._check()
        return value

    def _arrive(self, happen: Callable[[], T], answer: asyncio.Future[T], lost: bool) -> None:
        result: T | None = None
        failure: Exception | None = None
        try:
            result = happen()
        except Exception as error:  # noqa: BLE001 - it is the caller's, who gets it as the answer
            failure = error
        if lost:
            failure = CutOffError()
        self.network.loop.call_later(self.network.way(), _tell, answer, result, failure)

    def _check(self) -> None:
        if not self.alive:
            raise asyncio.CancelledError(f"{self.name} was killed")


class _Remote:
    """A port whose methods travel. The target's methods must be one step: no await inside."""

    def __init__(self, process: Process, target: object) -> None:
        self._process = process
        self._target = target

    @override
    def __repr__(self) -> str:
        return f"{self._target!r} from {self._process.name}"

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._target, name)

        async def call(*args: Any, **options: Any) -> Any:
            return await self._process.call(lambda: in_one_step(method(*args, **options)))

        # The next look-up finds it without this method.
        self.__dict__[name] = call
        return call


def in_one_step(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. AssertionError when it waits for anything."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    work.close()
    raise AssertionError("a step of the database waits for something")


def own_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Makes every task of `loop` belong to the process that started it."""

    def make(
        loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], **options: Any
    ) -> asyncio.Task[T]:
        task = asyncio.Task(work, loop=loop, **options)
        context: contextvars.Context | None = options.get("context")
        process = _current.get() if context is None else context.get(_current)
        if process is not None:
            process.adopt(task)
        return task

    loop.set_task_factory(cast(Any, make))


def _tell(answer: asyncio.Future[T], result: T | None, failure: Exception | None) -> None:
    if answer.done():
        return
    if failure is not None:
        answer.set_exception(failure)
    else:
        answer.set_result(cast(T, result))
