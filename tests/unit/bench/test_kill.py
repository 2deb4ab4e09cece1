"""Who was in flight when a handler was killed is told apart: answered, unanswered, answered twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from bench.measures.kill import rows
from bench.servers.wire import Client, serve
from bench.webhooks import customer_in
from bench.world import World

FIRST, COUNT = 900, 4


class Handler:
    """Asks the model for each message; how often it then answers, the test says."""

    def __init__(self, graph: Client) -> None:
        self.answers = 1
        self._graph = graph
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, _method: str, _path: str, body: bytes) -> tuple[int, bytes]:
        self._tasks.add(asyncio.get_running_loop().create_task(self._answer(body)))
        return 200, b""

    async def _answer(self, body: bytes) -> None:
        message = orjson.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]
        assert customer_in(body) is not None
        await self._post("/anthropic/v1/messages", body)
        for _ in range(self.answers):
            sent = {"to": message["from"], "type": "text"}
            await self._post("/graph/v26.0/1/messages", orjson.dumps(sent))

    async def _post(self, path: str, body: bytes) -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        await self._graph.send(head.encode() + body)


@pytest.fixture
async def standing() -> AsyncIterator[tuple[World, Handler, str]]:
    world = World()
    outside = await serve(world.outside.answer)
    graph = Client("127.0.0.1", outside.port)
    handler = Handler(graph)
    house = await serve(handler.take)
    yield world, handler, f"http://127.0.0.1:{house.port}/webhook/whatsapp"
    graph.close()
    await house.close()
    await outside.close()


@pytest.mark.parametrize(
    ("answers", "answered", "unanswered", "doubled"),
    [(1, COUNT, 0, 0), (0, 0, COUNT, 0), (2, COUNT, 0, COUNT)],
)
async def test_those_in_flight_are_counted(standing, answers, answered, unanswered, doubled):
    world, handler, url = standing
    handler.answers = answers
    flown = await world.fly(url=url, first=FIRST, count=COUNT, hold_s=0.5, then_s=0.0)
    assert flown["in_flight"] == COUNT
    landed = await world.land(within_s=10.0 if answers else 1.0, settle_s=0.2)
    assert (landed["answered"], landed["unanswered"], landed["doubled"]) == (
        answered,
        unanswered,
        doubled,
    )


def test_a_kill_is_judged_by_who_is_forgotten_who_is_told_twice_and_how_late():
    ours = {"in_flight": 100, "answered": 99, "unanswered": 1, "doubled": 2}
    times = {"killed_at": 50.0, "back_at": 54.0, "last_at": 64.5}
    forgotten, twice, late = rows({**ours, **times}, {"in_flight": 100, "unanswered": 100})
    assert (forgotten.ours, forgotten.reference, forgotten.met) == (1, 100, False)
    assert (twice.value, twice.met) == (2, False)
    assert (late.value, late.met) == (10.5, False)
