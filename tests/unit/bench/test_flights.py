"""Turns in flight and their takeovers are timed at the model's end of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from bench.flights import Flights
from bench.measures.takeover import rows
from bench.servers.outside import Outside
from bench.servers.wire import Client, Listening, serve
from bench.takeovers import Operator, takeovers
from bench.webhooks import Person, customer_in, message_request

FIRST = 500


class Vitrine:
    """Asks the model for each message; a takeover hangs up, unless this one is deaf."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.deaf = deaf
        self.asked = 0
        self.port = 0
        self._model: dict[int, asyncio.StreamWriter] = {}
        self._asking: set[asyncio.Task[None]] = set()

    def take(self, _method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path.endswith("/takeover"):
            if not self.deaf:
                self._model.pop(int(path.split("/")[2])).close()
        else:
            task = asyncio.get_running_loop().create_task(self._ask(customer_in(body), body))
            self._asking.add(task)
        return 200, b"{}"

    async def _ask(self, n: int | None, body: bytes) -> None:
        assert n is not None
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._model[n] = writer
        head = f"POST /anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\n\r\n".encode() + body)
        self.asked += 1

    def hang_up(self) -> None:
        for writer in self._model.values():
            writer.close()


class Stage:
    def __init__(self, outside: Outside, vitrine: Vitrine, product: Listening) -> None:
        self.outside, self.vitrine = outside, vitrine
        self.client = Client("127.0.0.1", product.port)
        self.operator = Operator(client=self.client, host="x", token="t")

    @contextmanager
    def flights(self, hold_s: float) -> Iterator[Flights]:
        yield Flights(self.outside, self.client, "/webhook", "x", hold_s=hold_s)
        self.client.close()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    outside, vitrine = Outside(), Vitrine()
    model, product = await serve(outside.answer), await serve(vitrine.take)
    vitrine.port = model.port
    yield Stage(outside, vitrine, product)
    vitrine.hang_up()
    await product.close()
    await model.close()


def test_a_customer_is_found_in_the_model_call_by_their_words():
    request = message_request(Person(n=77), "/", "x")
    assert customer_in(request) == 77
    assert customer_in(b"{}") is None


async def test_a_flight_ends_when_its_connection_does(stage):
    with stage.flights(hold_s=60) as flights:
        flight = await flights.begin(Person(n=FIRST))
        assert flight.ended_at == 0
        stage.vitrine.hang_up()
        assert await flight.cut_off(10)
        assert flight.ended_at > 0


async def test_a_flight_that_the_model_answered_was_not_cut_off(stage):
    with stage.flights(hold_s=0.01) as flights:
        flight = await flights.begin(Person(n=FIRST))
        assert not await flight.cut_off(10)


async def test_everybody_is_taken_over_once_and_the_last_at_once(stage, monkeypatch):
    monkeypatch.setattr("bench.takeovers._SETTLES_S", 0.0)
    ids = [str(FIRST + n) for n in range(7)]
    with stage.flights(hold_s=60) as flights:
        run = await takeovers(stage.operator, flights, ids, FIRST, 3, 0.0)
    assert (run["single"]["count"], run["burst"]["count"]) == (4, 3)
    assert stage.vitrine.asked == 7


async def test_a_model_call_that_a_takeover_does_not_end_is_told(stage, monkeypatch):
    monkeypatch.setattr("bench.takeovers._SETTLES_S", 0.0)
    monkeypatch.setattr("bench.takeovers._CLOSED_WITHIN_S", 0.05)
    stage.vitrine.deaf = True
    with stage.flights(hold_s=60) as flights:
        run = await takeovers(stage.operator, flights, [str(FIRST)], FIRST, 1, 0.0)
    assert run["burst"]["never_closed"] == 1
    assert run["burst"]["closed"]["worst"] == 50


def run_of(p99: float) -> dict[str, object]:
    closed = {"p50": 10.0, "p99": p99, "worst": p99}
    half = {"count": 100, "never_closed": 0, "closed": closed, "answered": closed}
    calls = {"messages": 0}
    return {"single": half, "burst": half, "calls": calls}


@pytest.mark.parametrize(
    ("p99", "claimed", "met"),
    [
        (249.0, 0, [True, None, True]),
        (251.0, 0, [False, None, True]),
        (100.0, 1, [True, None, False]),
    ],
)
def test_takeovers_are_judged_by_time_and_by_claims(p99, claimed, met):
    assert [row.met for row in rows(run_of(p99), claimed)] == met
