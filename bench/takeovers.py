"""People who take conversations over by HTTP while the model thinks, and when the model noticed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.figures import summary
from bench.flights import Flight, Flights
from bench.servers.wire import Client
from bench.webhooks import Person

_CLOSED_WITHIN_S: Final = 10.0
#: What would leave in spite of a takeover has left by then.
_SETTLES_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A session at the API."""

    client: Client
    host: str
    token: str

    async def take_over(self, conversation: str) -> None:
        head = (
            f"POST /conversations/{conversation}/takeover HTTP/1.1\r\nHost: {self.host}\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: 0\r\n\r\n"
        )
        status = await self.client.send(head.encode())
        if status != 200:
            raise RuntimeError(f"a takeover was answered {status}")


@dataclass(slots=True)
class _Taken:
    """Milliseconds since the takeover's first byte: to the model's connection closed, to the 200."""

    closed_ms: list[float] = field(default_factory=list)
    answered_ms: list[float] = field(default_factory=list)
    never_closed: int = 0

    async def one(self, operator: Operator, flight: Flight, conversation: str) -> None:
        began = time.perf_counter()
        await operator.take_over(conversation)
        self.answered_ms.append((time.perf_counter() - began) * 1000)
        if await flight.cut_off(_CLOSED_WITHIN_S):
            self.closed_ms.append((flight.ended_at - began) * 1000)
        else:
            self.closed_ms.append(_CLOSED_WITHIN_S * 1000)  # at least
            self.never_closed += 1

    def to_json(self) -> dict[str, Any]:
        return {
            "count": len(self.closed_ms),
            "never_closed": self.never_closed,
            "closed": summary(self.closed_ms),
            "answered": summary(self.answered_ms),
        }


async def takeovers(
    operator: Operator,
    flights: Flights,
    conversations: Sequence[str],
    first: int,
    in_flight: int,
    every_s: float,
) -> dict[str, Any]:
    """With `in_flight` turns the oldest is taken over and the next customer writes, one by one.

    When nobody is left to write, all that still fly are taken over at once.
    """
    people = [Person(n=first + n) for n in range(len(conversations))]
    flying = list(await asyncio.gather(*map(flights.begin, people[:in_flight])))
    single, burst = _Taken(), _Taken()
    start = time.perf_counter()
    for n, newcomer in enumerate(people[in_flight:]):
        await asyncio.sleep(max(0.0, start + n * every_s - time.perf_counter()))
        oldest = flying.pop(0)
        await single.one(operator, oldest, conversations[oldest.person.n - first])
        flying.append(await flights.begin(newcomer))
    await asyncio.gather(
        *(burst.one(operator, one, conversations[one.person.n - first]) for one in flying)
    )
    await asyncio.sleep(_SETTLES_S)
    return {"single": single.to_json(), "burst": burst.to_json()}
