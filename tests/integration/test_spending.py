"""When the money for the model is spent, people answer and nobody is left waiting unaware."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from actors.clock.money import MoneyWatch
from storage.spending import SpendingStore
from telemetry.metrics import OVER_BUDGET
from tests.fakes.world import World
from tests.house import a_house, inbound, store
from tests.integration.turning import QUICK, a_conversation, run

pytestmark = pytest.mark.postgres

CAP = 1_000_000


class Feed:
    def __init__(self) -> None:
        self.told: list[str] = []

    def emit(self, event: str, data: object) -> None:
        self.told.append(event)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


def counted(budget: str) -> float:
    value: float = OVER_BUDGET.labels(budget)._value.get()
    return value


async def test_a_conversation_beyond_its_money_goes_to_a_person_with_one_notice(pool, world):
    conversation = await a_conversation(pool, "Oi")
    await run(world, conversation)
    await pool.execute("UPDATE turns SET cost_micros = 3000000")
    before = counted("conversation")
    for text in ("e o plano anual?", "alô?"):
        await store(pool, inbound(text))
        await run(world, conversation)
    assert world.agent.asked == [["Oi"]], "the model was not asked again"
    [_, notice] = world.graph.texts
    assert "uma pessoa da nossa equipe" in notice
    assert await pool.fetchval("SELECT reason FROM handoffs") == "limite de gasto da IA"
    assert counted("conversation") == before + 2
    waiting = "SELECT count(*) FROM inbound_events WHERE worked_at IS NULL"
    assert await pool.fetchval(waiting) == 0


async def test_tomorrow_the_conversation_is_answered_again(pool, world):
    conversation = await a_conversation(pool, "Oi")
    await run(world, conversation)
    await pool.execute(
        "UPDATE turns SET cost_micros = 3000000, started_at = now() - interval '25 hours'"
    )
    await store(pool, inbound("bom dia"))
    await run(world, conversation)
    assert world.agent.asked == [["Oi"], ["bom dia"]]


async def test_the_money_of_the_day_stops_every_conversation_until_it_is_another_day(pool, world):
    conversation = await a_conversation(pool, "Oi")
    await run(world, conversation)
    feed = Feed()
    watch = MoneyWatch(SpendingStore(pool, "America/Sao_Paulo"), feed, cap_micros=CAP)
    await watch.look()
    assert feed.told == [], "7 micro-dollars are not the day's money"
    await pool.execute("UPDATE turns SET cost_micros = $1, started_at = now()", CAP)
    await watch.look()
    await watch.look()
    assert feed.told == ["system"], "screens look once"
    await store(pool, inbound("e o plano anual?"))
    await run(world, conversation)
    assert len(world.agent.asked) == 1
    await pool.execute("UPDATE turns SET started_at = now() - interval '24 hours'")
    await watch.look()
    assert feed.told == ["system", "system"]
    await store(pool, inbound("bom dia"))
    await run(world, conversation)
    assert len(world.agent.asked) == 2
