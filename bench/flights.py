"""Turns in flight: customers who wrote and whose answer the model still holds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench.servers.outside import Outside
from bench.servers.wire import Client, Reply
from bench.webhooks import Person, message_request

_BEGINS_WITHIN_S: Final = 60.0


@dataclass(slots=True)
class Flight:
    """One model call that has begun; `ended_at` is `time.perf_counter()` of its end, however it ended."""

    person: Person
    answer: asyncio.Future[Reply]
    ended_at: float = 0.0

    def end(self, _: asyncio.Future[Reply]) -> None:
        self.ended_at = time.perf_counter()

    async def cut_off(self, within_s: float) -> bool:
        """Whether the other side closed the connection within this time."""
        await asyncio.wait([self.answer], timeout=within_s)
        return self.answer.cancelled()


class Flights:
    """Lets people write to one webhook; the model holds each answer for `hold_s`."""

    def __init__(
        self, outside: Outside, client: Client, path: str, host: str, *, hold_s: float
    ) -> None:
        self._outside = outside
        self._client, self._path, self._host = client, path, host
        self._begun: dict[int, asyncio.Future[Flight]] = {}
        outside.hold_s = hold_s
        outside.on_call = self._called

    def _called(self, n: int, answer: asyncio.Future[Reply]) -> None:
        begun = self._begun.pop(n, None)
        if begun is None or begun.done():
            return
        flight = Flight(Person(n=n), answer)
        answer.add_done_callback(flight.end)
        begun.set_result(flight)

    async def begin(self, person: Person) -> Flight:
        """Returns when the webhook answered 200 and the model was asked. Raises TimeoutError."""
        begun = self._begun[person.n] = asyncio.get_running_loop().create_future()
        status = await self._client.send(message_request(person, self._path, self._host))
        if status != 200:
            raise RuntimeError(f"the webhook answered {status}")
        async with asyncio.timeout(_BEGINS_WITHIN_S):
            return await begun

    def release(self) -> None:
        """The model answers new calls at once again; what it holds, it holds on."""
        self._outside.hold_s = 0.0
