"""The outside world as one process: Meta, the model, and the customers who write.

`python -m bench.world` tells its port on standard output, then takes one JSON command a line and
answers with one JSON line. Every loop is bounded in time and only speaks to loopback.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop

from bench.figures import summary
from bench.flights import Flights
from bench.servers.outside import Arrivals, Outside
from bench.servers.wire import Client, serve
from bench.takeovers import Operator, takeovers
from bench.webhooks import Person, message_request, status_request

SECONDS_MAX: Final = 120.0
ANSWER_TIMEOUT_S: Final = 15.0
STATUSES: Final = (("sent", 0.0), ("delivered", 0.05), ("read", 0.1))


class World:
    """Carries out the commands; `first` is the number of the first customer to use."""

    def __init__(self) -> None:
        self.outside = Outside()
        self._arrivals = Arrivals()
        self._statuses_to: tuple[Client, str, str] | None = None
        self._status_ms: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.outside.on_message = self._sent
        self._people: dict[str, Person] = {}
        self._landings: list[asyncio.Future[float]] = []

    # ---- Meta's side of a sent message

    def _sent(self, to: str, wamid: str, callback: str) -> None:
        self._arrivals.arrived(to)
        if self._statuses_to is not None and to in self._people:
            task = asyncio.get_running_loop().create_task(
                self._tell_statuses(self._people[to], wamid, callback)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell_statuses(self, person: Person, wamid: str, callback: str) -> None:
        assert self._statuses_to is not None
        client, path, host = self._statuses_to
        for status, wait in STATUSES:
            await asyncio.sleep(wait)
            began = time.perf_counter()
            await client.send(status_request(person, wamid, status, callback, path, host))
            self._status_ms.append((time.perf_counter() - began) * 1000)

    # ---- commands

    async def post(self, *, url: str, seconds: float, connections: int, people: int) -> Any:
        """As many one-message webhooks as `connections` can post one after the other."""
        client, path, host = _target(url)
        until = time.perf_counter() + min(seconds, SECONDS_MAX)
        took: list[float] = []
        bad: list[int] = []
        order = iter(range(10**9))

        async def one() -> None:
            while time.perf_counter() < until:
                request = message_request(Person(n=next(order) % people), path, host)
                began = time.perf_counter()
                status = await client.send(request)
                took.append((time.perf_counter() - began) * 1000)
                if status != 200:
                    bad.append(status)

        began = time.perf_counter()
        await _together([one() for _ in range(connections)])
        elapsed = time.perf_counter() - began
        client.close()
        result = {"per_second": len(took) / elapsed, "count": len(took), "bad": len(bad)}
        return result | {"repeated": client.repeated} | summary(took)

    async def turns(
        self, *, url: str, seconds: float, in_flight: int, first: int, people: int, statuses: bool
    ) -> Any:
        """`in_flight` customers, each writing and waiting for the answer, then the next customer."""
        client, path, host = _target(url)
        self._begin(client, path, host, first, people, statuses=statuses)
        warm = time.perf_counter() + min(2.0, seconds / 4)
        until = warm + min(seconds, SECONDS_MAX)
        done: list[tuple[float, float]] = []
        lost: list[str] = []
        order = iter(range(10**9))

        async def one() -> None:
            while time.perf_counter() < until:
                person = Person(n=first + next(order) % people)
                took = await self._one_turn(client, path, host, person)
                if took is None:
                    lost.append(person.wa_id)
                else:
                    done.append((time.perf_counter(), took))

        await _together([one() for _ in range(in_flight)])
        counted = [ms for at, ms in done if warm <= at < until]
        result = {"per_second": len(counted) / (until - warm), "count": len(counted)}
        return (
            result
            | {"unanswered": len(lost), "unawaited": self._arrivals.unawaited}
            | (summary(counted) | await self._end(client))
        )

    async def single(self, *, url: str, count: int, first: int, pause_s: float) -> Any:
        """One turn at a time; the first ones are not counted."""
        client, path, host = _target(url)
        self._begin(client, path, host, first, count, statuses=False)
        took: list[float] = []
        lost = 0
        for n in range(min(count, 2000)):
            ms = await self._one_turn(client, path, host, Person(n=first + n))
            if ms is None:
                lost += 1
            elif n >= 5:
                took.append(ms)
            await asyncio.sleep(pause_s)
        return {"unanswered": lost, "count": len(took)} | summary(took) | await self._end(client)

    async def paced(self, *, url: str, seconds: float, rate: float, first: int, people: int) -> Any:
        """`rate` messages a second whatever comes back, three statuses for each answer."""
        client, path, host = _target(url)
        self._begin(client, path, host, first, people, statuses=True)
        took: list[float] = []
        answers: list[float] = []
        lost: list[str] = []

        async def one(person: Person) -> None:
            arrival = self._arrivals.expect(person.wa_id)
            began = time.perf_counter()
            await client.send(message_request(person, path, host))
            took.append((time.perf_counter() - began) * 1000)
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    answers.append((await arrival - began) * 1000)
            except TimeoutError:
                lost.append(person.wa_id)

        work: list[asyncio.Task[None]] = []
        start = time.perf_counter()
        for n in range(int(rate * min(seconds, SECONDS_MAX))):
            await asyncio.sleep(max(0.0, start + n / rate - time.perf_counter()))
            work.append(asyncio.get_running_loop().create_task(one(Person(n=first + n % people))))
        await asyncio.gather(*work)
        ended = await self._end(client)
        return {
            "count": len(took),
            "unanswered": len(lost),
            "over_1s": sum(ms > 1000 for ms in [*took, *self._status_ms]),
            "messages": summary(took),
            "answers": summary(answers),
        } | ended

    async def takeovers(
        self,
        *,
        url: str,
        token: str,
        conversations: list[str],
        first: int,
        in_flight: int,
        every_s: float,
        hold_s: float,
    ) -> Any:
        """People take these customers' conversations over while the model holds its answers."""
        client, path, host = _target(url)
        self._begin(client, path, host, first, len(conversations), statuses=False)
        api, _, _ = _target(url)
        flights = Flights(self.outside, client, path, host, hold_s=hold_s)
        operator = Operator(client=api, host=host, token=token)
        result = await takeovers(operator, flights, conversations, first, in_flight, every_s)
        flights.release()
        api.close()
        return result | await self._end(client)

    async def fly(self, *, url: str, first: int, count: int, hold_s: float, then_s: float) -> Any:
        """All of them write; returns when all were answered 200 and their model calls are held.

        New model calls take `then_s`.
        """
        client, path, host = _target(url)
        self._begin(client, path, host, first, count, statuses=False)
        people = [Person(n=first + n) for n in range(count)]
        self._landings = [self._arrivals.expect(one.wa_id) for one in people]
        flights = Flights(self.outside, client, path, host, hold_s=hold_s)
        began = time.perf_counter()
        flying = await asyncio.gather(*map(flights.begin, people))
        self.outside.hold_s = then_s
        client.close()
        in_flight = sum(not one.answer.done() for one in flying)
        return {"in_flight": in_flight, "took_s": time.perf_counter() - began}

    async def land(self, *, within_s: float, settle_s: float) -> Any:
        """Waits for the answers to those who flew, and then for what should not come any more.

        `last_at` is `time.monotonic()` of the last one's arrival.
        """
        landings, self._landings = self._landings, []
        done, open_ = await asyncio.wait(landings, timeout=within_s)
        last = max((one.result() for one in done), default=time.perf_counter())
        last_at = time.monotonic() - (time.perf_counter() - last)
        await asyncio.sleep(settle_s)
        self.outside.hold_s = 0.0
        return {
            "answered": len(done),
            "unanswered": len(open_),
            "doubled": self._arrivals.unawaited,
            "last_at": last_at,
        }

    async def _one_turn(self, client: Client, path: str, host: str, person: Person) -> float | None:
        arrival = self._arrivals.expect(person.wa_id)
        began = time.perf_counter()
        await client.send(message_request(person, path, host))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return (await arrival - began) * 1000
        except TimeoutError:
            return None

    def _begin(
        self, client: Client, path: str, host: str, first: int, people: int, *, statuses: bool
    ) -> None:
        self._people = {p.wa_id: p for n in range(people) for p in [Person(n=first + n)]}
        self._statuses_to = (client, path, host) if statuses else None
        self._status_ms = []
        self._arrivals.unawaited = 0
        self.outside.counts = dict.fromkeys(self.outside.counts, 0)

    async def _end(self, client: Client) -> dict[str, Any]:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=20)
        self._statuses_to = None
        client.close()
        return {
            "calls": dict(self.outside.counts),
            "repeated": client.repeated,
            "statuses": summary(self._status_ms),
        }


def _target(url: str) -> tuple[Client, str, str]:
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1", "only loopback"
    assert parts.port is not None
    return Client(parts.hostname, parts.port), parts.path, parts.netloc


async def _together(work: list[Awaitable[None]]) -> None:
    await asyncio.gather(*work)


async def main() -> None:
    """Serves until standard input ends."""
    world = World()
    server = await serve(world.outside.answer)
    print(json.dumps({"port": server.port}), flush=True)
    commands: dict[str, Callable[..., Awaitable[Any]]] = {
        "post": world.post,
        "turns": world.turns,
        "single": world.single,
        "paced": world.paced,
        "takeovers": world.takeovers,
        "fly": world.fly,
        "land": world.land,
    }
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        result = await commands[command.pop("do")](**command)
        print(json.dumps(result), flush=True)
    await server.close()


if __name__ == "__main__":
    uvloop.run(main())
