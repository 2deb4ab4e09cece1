"""Two machines talking to each other stop, a person is told, and nobody pays a model meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from config.limits import AGENT_MESSAGES_PER_HOUR
from tests.fakes.world import World
from tests.house import a_house, inbound, store
from tests.integration.turning import QUICK, a_conversation, apply_all, run

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


async def talk_to_an_echo(pool: asyncpg.Pool, world: World, *, rounds: int) -> None:
    """The customer is another Vitrine: it answers every message of ours at once."""
    conversation = await a_conversation(pool, "Olá! Como posso ajudar?")
    heard = 0
    for _ in range(rounds):
        await run(world, conversation)
        for text in world.graph.texts[heard:]:
            await store(pool, inbound(f"sou um robô: {text[-40:]}"))
        heard = len(world.graph.texts)
    await run(world, conversation)


async def test_two_vitrines_stop_at_the_cap_and_a_person_is_told_why(pool, world):
    await talk_to_an_echo(pool, world, rounds=AGENT_MESSAGES_PER_HOUR + 5)
    assert len(world.graph.sent) == AGENT_MESSAGES_PER_HOUR
    told = await pool.fetchrow("SELECT reason, state FROM handoffs")
    assert told is not None
    assert tuple(told) == ("limite de mensagens da IA ao contato", "queued")


async def test_beyond_the_cap_the_model_is_not_asked_for_what_may_not_leave(pool, world):
    await talk_to_an_echo(pool, world, rounds=AGENT_MESSAGES_PER_HOUR + 2)
    asked = len(world.agent.asked)
    assert asked == AGENT_MESSAGES_PER_HOUR
    conversation = await pool.fetchval("SELECT id FROM conversations")
    for n in range(5):  # the other side goes on by itself
        await store(pool, inbound(f"ainda aí? {n}"))
        await run(world, conversation)
    assert len(world.agent.asked) == asked
    assert await pool.fetchval("SELECT count(*) FROM inbound_events WHERE worked_at IS NULL") == 0
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 1


async def test_after_the_hour_the_ai_answers_again(pool, world):
    await talk_to_an_echo(pool, world, rounds=AGENT_MESSAGES_PER_HOUR + 1)
    await pool.execute("UPDATE outbox SET claimed_at = claimed_at - interval '61 minutes'")
    await store(pool, inbound("agora sim"))
    await run(world, await pool.fetchval("SELECT id FROM conversations"))
    assert world.agent.asked[-1] == ["agora sim"]
    assert len(world.graph.sent) == AGENT_MESSAGES_PER_HOUR + 1


async def test_an_answer_cut_off_by_the_cap_is_told_to_a_person_with_no_further_message(
    pool, world
):
    conversation = await a_conversation(pool, "Oi")
    await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
    world.agent.change = lambda turn: replace(turn, bubbles=("primeira", "segunda"))
    await pool.execute(
        "INSERT INTO messages (id, conversation_id, direction, author, content, status)"
        " SELECT gen_random_uuid(), id, 'outbound', 'agent', '{}', 'sent' FROM conversations"
    )
    await pool.execute(
        "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
        " state, claimed_at) SELECT gen_random_uuid(), c.id, c.contact_id, m.id, 'agent', 1, '{}',"
        " 'accepted', now() FROM conversations c, messages m, generate_series(1, $1)"
        " WHERE m.author = 'agent'", AGENT_MESSAGES_PER_HOUR - 1,
    )  # fmt: skip
    await run(world, conversation)
    await pool.execute("UPDATE messages SET status = 'sent' WHERE status = 'accepted'")
    await apply_all(pool)
    await world.sender().dispatch(conversation)
    assert world.graph.texts == ["primeira"]
    assert "send.loop_cap" in world.tracer.stages
    filed = "SELECT count(*) FROM inbound_events WHERE kind = 'send_failed'"
    assert await pool.fetchval(filed) == 1
    await run(world, conversation)  # what the sweep rings for
    assert await pool.fetchval("SELECT reason FROM handoffs") == (
        "limite de mensagens da IA ao contato"
    )


async def test_what_a_person_is_told_of_a_closed_conversation_is_visible_in_the_queue(pool, world):
    conversation = await a_conversation(pool, "de ontem")
    await pool.execute("UPDATE conversations SET mode = 'closed'")
    await pool.execute("UPDATE inbound_events SET sent_at = now() - interval '13 hours'")
    await run(world, conversation)
    assert await pool.fetchval("SELECT reason FROM handoffs") == "mensagem antiga sem resposta"
    assert await pool.fetchval("SELECT mode FROM conversations") == "agent"
