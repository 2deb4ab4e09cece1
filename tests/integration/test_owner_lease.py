"""The owner lease on the real database: who is not the owner pays for no model call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from actors.conversation.core import ConversationCore
from actors.conversation.residents import Residents
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId
from domain.ownership import Host, Ownership, Standing
from domain.turn import QuietRule
from storage.actor_rows import ActorRows
from tests.fakes.world import World
from tests.house import a_house, inbound, store

pytestmark = pytest.mark.postgres

QUICK = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=6)
    await ActorRows(pool).spread_buckets(1)
    yield pool
    await pool.close()


@pytest.fixture
def rows(pool: asyncpg.Pool) -> ActorRows:
    return ActorRows(pool)


async def a_question(pool: asyncpg.Pool) -> ConversationId:
    await store(pool, inbound("Quanto custa?"))
    await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
    return ConversationId(await pool.fetchval("SELECT id FROM conversations"))


def world_of(pool: asyncpg.Pool, host: Host) -> World:
    return World(pool, rules={"quiet": QUICK}, host=host)


async def run(world: World, conversation: ConversationId) -> Standing:
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    async with asyncio.timeout(20):
        return await core.run()


async def test_a_shard_answers_until_the_entrusting_and_the_own_actor_after_it(pool, rows):
    conversation = await a_question(pool)
    shard = world_of(pool, await rows.take_lease("conversations/0", shard=0))
    own = world_of(pool, await rows.take_lease(f"conversation/{conversation}", shard=None))
    assert await rows.grant_own(conversation, 0, 1)
    assert await run(own, conversation) is Standing.MOVED
    assert await run(shard, conversation) is Standing.OWNER
    assert await rows.entrust(conversation)
    await store(pool, inbound("E o plano maior?"))
    assert await run(shard, conversation) is Standing.MOVED
    assert await run(own, conversation) is Standing.OWNER
    assert (len(shard.agent.asked), len(own.agent.asked)) == (1, 1)


async def test_a_start_that_was_replaced_asks_no_model(pool, rows):
    conversation = await a_question(pool)
    old = world_of(pool, await rows.take_lease("conversations/0", shard=0))
    new = world_of(pool, await rows.take_lease("conversations/0", shard=0))
    assert await run(old, conversation) is Standing.REPLACED
    assert old.agent.asked == []
    assert await run(new, conversation) is Standing.OWNER
    assert new.graph.texts == ["resposta a: Quanto custa?"]


async def test_a_conversation_whose_bucket_moved_leaves_after_its_turn_and_says_so(pool, rows):
    conversation = await a_question(pool)
    world = world_of(pool, await rows.take_lease("conversations/0", shard=0))
    world.agent.gate.clear()
    moved: asyncio.Queue[tuple[ConversationId, Ownership]] = asyncio.Queue()
    residents = Residents(
        world.ports(),
        idle_after=timedelta(minutes=2),
        on_moved=lambda one, ownership: moved.put_nowait((one, ownership)),
    )
    residents.ring(Ring(conversation_id=conversation, reason=RingReason.MESSAGE))
    async with asyncio.timeout(10):
        while not world.agent.asked:  # noqa: ASYNC110 - the fake has no event to wait for
            await asyncio.sleep(0.01)
    await pool.execute("UPDATE shard_buckets SET shard = 5, generation = generation + 1")
    residents.ring(Ring(conversation_id=conversation, reason=RingReason.MESSAGE))
    gone = asyncio.create_task(residents.wait_gone([conversation]))
    await asyncio.sleep(0.2)
    assert not gone.done(), "the shard that takes it up would pay for the same turn"
    assert not residents.may_end()
    world.agent.gate.set()
    async with asyncio.timeout(10):
        left, ownership = await moved.get()
        await gone
    assert (left, ownership.shard, len(residents)) == (conversation, 5, 0)
    assert world.graph.texts == ["resposta a: Quanto custa?"]
    assert residents.may_end()


async def test_losing_every_fact_of_the_lease_stops_no_answer(pool, rows):
    conversation = await a_question(pool)
    world = world_of(pool, await rows.take_lease("conversations/0", shard=0))
    await pool.execute("DELETE FROM owner_leases")
    await pool.execute("DELETE FROM shard_buckets")
    assert await run(world, conversation) is Standing.OWNER
    assert len(world.graph.texts) == 1


async def test_a_grant_that_is_gone_is_not_entrusted_and_not_touched(pool, rows):
    conversation = await a_question(pool)
    assert await rows.grant_own(conversation, 0, 1)
    assert not await rows.touch_own(conversation)
    assert await rows.entrust(conversation)
    assert await rows.touch_own(conversation)
    await rows.release_own(conversation)
    assert not await rows.touch_own(conversation)
    assert not await rows.entrust(conversation)
    assert not await rows.own_serves(conversation)


async def test_buckets_move_with_a_new_generation_and_take_their_own_actors_along(pool, rows):
    conversation = await a_question(pool)
    await pool.execute("UPDATE shard_buckets SET shard = 7")
    await rows.grant_own(conversation, 7, 1)
    await rows.entrust(conversation)
    bucket = await pool.fetchval("SELECT bucket FROM conversations")
    wanted = bucket % 4
    assert await rows.spread_buckets(4) == 1024
    assert await rows.spread_buckets(4) == 0
    assert await pool.fetchval("SELECT shard FROM own_actors") == wanted
    assert set(await rows.list_buckets()) == {0, 1, 2, 3}
    assert await rows.spread_buckets(8) == 512
    moved = "SELECT DISTINCT generation FROM shard_buckets WHERE bucket % 8 >= 4"
    assert [row["generation"] for row in await pool.fetch(moved)] == [3]
    stayed = "SELECT DISTINCT generation FROM shard_buckets WHERE bucket % 8 < 4"
    assert [row["generation"] for row in await pool.fetch(stayed)] == [2]


async def test_an_own_actor_that_is_still_starting_stays_with_the_shard_that_starts_it(pool, rows):
    conversation = await a_question(pool)
    await rows.grant_own(conversation, 9, 1)
    await rows.spread_buckets(2)
    assert await pool.fetchval("SELECT shard FROM own_actors") == 9
    await rows.entrust(conversation)
    bucket = await pool.fetchval("SELECT bucket FROM conversations")
    assert await pool.fetchval("SELECT shard FROM own_actors") == bucket % 2


async def test_a_forgotten_host_is_no_longer_listed(pool, rows):
    for name in ("conversations/0", "conversations/1"):
        await rows.take_lease(name, shard=0)
    assert await rows.list_hosts(older_than=timedelta(minutes=1)) == set()
    await pool.execute("UPDATE owner_leases SET taken_at = now() - interval '2 minutes'")
    await rows.forget("conversations/1")
    assert await rows.list_hosts(older_than=timedelta(minutes=1)) == {"conversations/0"}
