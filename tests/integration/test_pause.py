"""The pause button: nothing of the AI leaves a moment later, and what waited comes back in groups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from redis.asyncio import Redis

from actors.clock.core import SWEEP_AT_ONCE
from actors.conversation.residents import Residents
from actors.sender.core import SendCore
from actors.sender.keeper import OutboxKeeper
from storage.conversations import ConversationStore
from storage.outbox import Outbox
from storage.pace import Pace, Senders
from storage.switches import AI_PAUSED, switch_off, switch_on
from tests.fakes.world import World
from tests.house import a_house, inbound, store
from tests.integration.test_backpressure import conversations, message, waiting_rows
from tests.integration.test_clock import Bell, clock
from tests.integration.test_outbox_keeping import Health, keeper, status_keeper
from tests.integration.turning import QUICK, until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

# How long after the button the last claim of an AI message was made; negative: all before it.
LAST_CLAIM = """
SELECT max(a.claimed_at) - (SELECT on_since FROM switches WHERE name = 'ai_paused')
  FROM send_attempts a JOIN outbox o ON o.id = a.outbox_id WHERE o.author = 'agent'
"""


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=6)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


async def press(pool: asyncpg.Pool) -> None:
    assert await switch_on(pool, AI_PAUSED, by="test", reason="preço errado")


async def test_in_the_middle_of_sending_the_button_stops_the_ai_in_under_a_second(pool, world):
    await waiting_rows(pool, world, 60)
    pressing: list[asyncio.Task[None]] = []

    def after_each(_callback: str) -> None:
        if len(world.graph.sent) == 10:
            pressing.append(asyncio.create_task(press(pool)))

    world.graph.before_answer = after_each
    await keeper(world).send_due()
    await pressing[0]
    stopped_at = len(world.graph.sent)
    assert 10 <= stopped_at < 60
    last_claim = await pool.fetchval(LAST_CLAIM)
    assert last_claim < timedelta(seconds=1)
    await keeper(world).send_due()
    assert len(world.graph.sent) == stopped_at
    await switch_off(pool, AI_PAUSED)
    await keeper(world).send_due()
    assert len(world.graph.sent) == 60, "nothing was lost by it"


async def test_a_person_still_sends_while_the_ai_is_paused(pool, world):
    (conversation,) = await waiting_rows(pool, world, 1)
    await press(pool)
    await pool.execute("UPDATE outbox SET author = 'operator'")
    await world.sender().dispatch(conversation)
    assert len(world.graph.sent) == 1


async def test_no_turn_begins_and_a_running_ones_answer_waits_until_the_button_is_released(
    pool, world
):
    first, second = await conversations(pool, 2)
    residents = Residents(world.ports(), idle_after=timedelta(0))
    world.agent.gate.clear()
    residents.ring(message(first))
    await until(lambda: len(world.agent.asked) == 1)
    await press(pool)
    residents.ring(message(second))
    world.agent.gate.set()
    await until(lambda: len(residents) == 0)
    assert world.graph.sent == []
    assert len(world.agent.asked) == 1, "the model is not asked for what may not leave now"
    await switch_off(pool, AI_PAUSED)
    await world.sender().dispatch(first)
    residents.ring(message(second))
    await until(lambda: len(residents) == 0)
    assert sorted(world.graph.texts) == ["resposta a: pergunta 0", "resposta a: pergunta 1"]


async def test_after_a_pause_conversations_are_woken_in_groups_the_longest_waiting_first(
    pool, world
):
    await press(pool)
    ids = await conversations(pool, SWEEP_AT_ONCE + 20)
    await pool.execute("UPDATE inbound_events SET worked_at = now() WHERE seq = 1")
    await store(pool, inbound("e aí?", wa_id="5531988800000"))  # so the first has waited least
    waiting = [*ids[1:], ids[0]]
    await pool.execute("UPDATE inbound_events SET received_at = now() - interval '1 minute'")
    await switch_off(pool, AI_PAUSED)
    bell = Bell()
    assert await clock(pool, bell).sweep() == SWEEP_AT_ONCE
    assert bell.rung == waiting[:SWEEP_AT_ONCE]
    await pool.execute(
        "UPDATE inbound_events SET worked_at = now() WHERE conversation_id = ANY ($1)", bell.rung
    )
    assert await ConversationStore(pool).list_unworked(older_than_s=4) == waiting[SWEEP_AT_ONCE:]


async def test_what_waited_in_the_outbox_leaves_at_the_numbers_pace_and_not_as_a_flood(
    pool, world, redis_url
):
    redis = Redis.from_url(redis_url)
    await waiting_rows(pool, world, 40)
    await pool.execute("UPDATE physical_numbers SET messages_per_second = 20")
    sender = SendCore(
        outbox=Outbox(pool), pace=Pace(redis, senders=Senders(live=1)), channels=world.graph,
        reports=world.numbers, tracer=world.tracer, name="test",
    )  # fmt: skip
    paced = OutboxKeeper(
        outbox=Outbox(pool), dispatcher=sender, statuses=status_keeper(world), health=Health(None),
        tracer=world.tracer,
    )  # fmt: skip
    while len(world.graph.sent) < 40:
        await paced.send_due()
    # 20 a second at Meta, of which our sends use 70 %: 14 at once and 14 a second from then on.
    crowded = await pool.fetchval(
        "SELECT max(n) FROM (SELECT count(*) OVER (ORDER BY claimed_at RANGE BETWEEN CURRENT ROW AND"
        " interval '1 second' FOLLOWING) AS n FROM send_attempts) AS windows"
    )
    assert crowded <= 14 + 14 + 1
    spread = await pool.fetchval("SELECT max(claimed_at) - min(claimed_at) FROM send_attempts")
    assert spread >= timedelta(seconds=(40 - 14 - 1) / 14)
    await redis.aclose()


async def test_without_redis_every_answer_still_leaves_only_slower(pool, world):
    gone = Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    ids = await waiting_rows(pool, world, 6)
    await pool.execute("UPDATE physical_numbers SET messages_per_second = 20")
    sender = SendCore(
        outbox=Outbox(pool), pace=Pace(gone, senders=Senders(live=1)), channels=world.graph,
        reports=world.numbers, tracer=world.tracer, name="test",
    )  # fmt: skip
    await asyncio.gather(*(sender.dispatch(conversation) for conversation in ids))
    assert len(world.graph.sent) == 6
    spread = await pool.fetchval("SELECT max(claimed_at) - min(claimed_at) FROM send_attempts")
    assert spread >= timedelta(seconds=0.4), "one in 0.1 s: half of the limit, without a burst"
    await gone.aclose()
