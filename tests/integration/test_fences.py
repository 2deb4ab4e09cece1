"""What people do while the AI thinks: an answer from the phone app fences, guidance supersedes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from actors.conversation.core import ConversationCore
from domain.content import Text
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, new_id
from domain.ownership import Standing
from domain.turn import QuietRule
from integrations.whatsapp.errors import NotSentError
from storage.adoption import Adoption
from storage.human_actions import Acting, HumanActions
from storage.numbers import NumberStore
from tests.factories import NOW
from tests.fakes.world import World
from tests.house import echo, inbound, somebody_waits, store
from tests.integration.turning import a_conversation, an_operator, run, until

pytestmark = pytest.mark.postgres


async def thinking(
    world: World, conversation: ConversationId
) -> tuple[ConversationCore, asyncio.Task[Standing]]:
    """A core whose agent has been asked and is held back."""
    world.agent.gate.clear()
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    task = asyncio.create_task(core.run())
    await until(lambda: len(world.agent.asked) == 1)
    return core, task


async def turns(pool: asyncpg.Pool) -> list[str]:
    return [r["state"] for r in await pool.fetch("SELECT state FROM turns ORDER BY started_at")]


# ---- an answer from the phone app


async def test_an_answer_from_the_phone_app_cancels_the_model_call_and_nothing_leaves(pool, world):
    core, task = await thinking(world, await a_conversation(pool))
    receipt = await store(pool, echo("Já te respondo"))
    for ring in receipt.rings:
        core.ring(ring.reason)
    await task
    assert world.agent.cancelled == 1
    assert world.graph.sent == []
    assert await turns(pool) == ["fenced"]


async def test_an_answer_from_the_phone_app_whose_doorbell_was_lost_is_noticed_at_the_commit(
    pool, world
):
    _, task = await thinking(world, await a_conversation(pool))
    await store(pool, echo("Já te respondo"))
    world.agent.gate.set()
    await task
    assert world.graph.sent == []
    assert await turns(pool) == ["fenced"]


async def test_an_answer_from_the_phone_app_does_all_that_a_takeover_does(pool, world):
    conversation = await a_conversation(pool)
    world.graph.fail_with = [NotSentError("not sent: ConnectError")]
    await run(world, conversation)
    operator = await an_operator(pool)
    await HumanActions(pool).escalate(conversation, operator, reason="quer gente", priority="high")
    before = await pool.fetchrow("SELECT epoch, version FROM conversations")
    receipt = await store(pool, echo("Oi, é a Bia"))
    assert receipt.rings == (Ring(conversation_id=conversation, reason=RingReason.FENCE),)
    row = await pool.fetchrow("SELECT mode, epoch, version FROM conversations")
    assert tuple(row) == ("operator", before["epoch"] + 1, before["version"] + 1)
    assert await pool.fetchval("SELECT state FROM outbox") == "withdrawn"
    shown = "SELECT status FROM messages WHERE author = 'agent'"
    assert await pool.fetchval(shown) == "withdrawn"
    assert await pool.fetchval("SELECT state FROM handoffs") == "accepted"
    line = await pool.fetchrow("SELECT actor, action, details FROM audit ORDER BY seq DESC LIMIT 1")
    assert tuple(line) == (
        "system", "conversation.takeover", {"epoch": row["epoch"], "by": "echo"},
    )  # fmt: skip


async def test_the_same_answer_from_the_phone_app_told_twice_fences_once(pool):
    await a_conversation(pool)
    told = echo("Já te respondo")
    await store(pool, told)
    again = await store(pool, told)
    assert again.rings == ()
    assert await pool.fetchval("SELECT epoch FROM conversations") == 2
    assert await pool.fetchval("SELECT count(*) FROM audit") == 1


async def test_a_draft_committed_while_the_echo_waited_for_the_lock_is_withdrawn_with_it(
    pool, world
):
    conversation = await a_conversation(pool)
    async with pool.acquire() as db, db.transaction():
        await db.execute("SELECT 1 FROM conversations FOR NO KEY UPDATE")
        arriving = asyncio.create_task(store(pool, echo("Já te respondo")))
        await somebody_waits(pool)
        message_id = new_id()
        await db.execute(
            "INSERT INTO messages (id, conversation_id, direction, author, content, status)"
            " VALUES ($1, $2, 'outbound', 'agent', '{}', 'queued')", message_id, conversation,
        )  # fmt: skip
        await db.execute(
            "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content)"
            " SELECT $1, id, contact_id, $2, 'agent', epoch, '{}' FROM conversations",
            new_id(), message_id,
        )  # fmt: skip
    await arriving
    row = await pool.fetchrow("SELECT state, reason FROM outbox")
    assert tuple(row) == ("withdrawn", "fenced")


async def test_an_answer_from_the_phone_app_to_a_number_added_later_fences_when_it_is_adopted(
    pool, world
):
    conversation = await a_conversation(pool)
    assert (await store(pool, echo("Já te respondo", number="777"))).rings == ()
    assert await pool.fetchval("SELECT epoch FROM conversations") == 1
    await pool.execute(
        "INSERT INTO physical_numbers (phone_number_id, account_id, facade_id, display_phone)"
        " SELECT '777', account_id, facade_id, '' FROM physical_numbers LIMIT 1"
    )
    await pool.execute("UPDATE inbound_events SET received_at = now() - interval '1 minute'")
    rings = await Adoption(pool, NumberStore(pool)).adopt()
    assert rings == [Ring(conversation_id=conversation, reason=RingReason.FENCE)]
    assert await pool.fetchval("SELECT mode FROM conversations") == "operator"
    await run(world, conversation)
    assert world.agent.asked == []


@pytest.mark.parametrize("settled", [True, False])
async def test_after_the_hand_back_only_what_came_after_the_phone_apps_answer_is_pending(
    pool, world, settled
):
    conversation = await a_conversation(pool, "Tem alguém?")
    await store(pool, echo("Oi, é a Bia"))
    await store(pool, inbound("E o preço?"))
    if settled:
        await run(world, conversation)
    await HumanActions(pool).hand_back(conversation, await an_operator(pool), None)
    await run(world, conversation)
    assert world.agent.asked == [["E o preço?"]]
    assert await pool.fetchval("SELECT mode FROM conversations") == "agent"


async def test_a_person_who_took_over_by_phone_may_go_on_in_the_house(pool, world):
    conversation = await a_conversation(pool)
    await store(pool, echo("Oi, é a Bia"))
    await run(world, conversation)
    await HumanActions(pool).reply(conversation, await an_operator(pool), Text(body="Voltei"))
    await world.sender().dispatch(conversation)
    assert world.graph.texts == ["Voltei"]


# ---- guidance

Act = Callable[[HumanActions, ConversationId, Acting], Coroutine[Any, Any, object]]
GUIDING: dict[str, Act] = {
    "whisper": lambda acts, row, by: acts.whisper(row, by, "ofereça o anual"),
    "note": lambda acts, row, by: acts.note(row, by, "é cliente antigo"),
    "qualify": lambda acts, row, by: acts.qualify(row, by, 0.9),
    "schedule": lambda acts, row, by: acts.schedule(row, by, at=NOW, subject="ligar"),
}


@pytest.mark.parametrize("rung", [True, False], ids=["rung", "doorbell lost"])
@pytest.mark.parametrize("name", GUIDING)
async def test_what_a_person_tells_the_ai_supersedes_the_draft_and_fences_nothing(
    pool, world, name, rung
):
    conversation = await a_conversation(pool)
    core, task = await thinking(world, conversation)
    await GUIDING[name](HumanActions(pool), conversation, await an_operator(pool))
    if rung:
        core.ring(RingReason.EVENT)
        await until(lambda: len(world.agent.asked) == 2)
    world.agent.gate.set()
    await task
    assert world.agent.cancelled == (1 if rung else 0)
    assert await turns(pool) == ["superseded", "committed"]
    assert len(world.graph.sent) == 1
    assert await pool.fetchval("SELECT epoch FROM conversations") == 1
    waiting = "SELECT count(*) FROM inbound_events WHERE worked_at IS NULL"
    assert await pool.fetchval(waiting) == 0


async def test_at_its_last_chance_a_draft_goes_out_and_the_whisper_waits_for_the_next_turn(pool):
    hasty = QuietRule(base=timedelta(0), cap=timedelta(0))
    world = World(pool, rules={"quiet": hasty})
    conversation = await a_conversation(pool)
    core, task = await thinking(world, conversation)
    await HumanActions(pool).whisper(conversation, await an_operator(pool), "ofereça o anual")
    core.ring(RingReason.EVENT)
    world.agent.gate.set()
    await task
    assert await turns(pool) == ["committed"]
    kinds = await pool.fetch("SELECT kind FROM inbound_events WHERE worked_at IS NULL")
    assert [r["kind"] for r in kinds] == ["whisper"]


async def test_even_at_its_last_chance_a_draft_does_not_overwrite_a_persons_score(pool):
    hasty = QuietRule(base=timedelta(0), cap=timedelta(0))
    world = World(pool, rules={"quiet": hasty})
    conversation = await a_conversation(pool)
    _, task = await thinking(world, conversation)
    await HumanActions(pool).qualify(conversation, await an_operator(pool), 0.9)
    world.agent.gate.set()
    await task
    assert await turns(pool) == ["superseded", "committed"]
