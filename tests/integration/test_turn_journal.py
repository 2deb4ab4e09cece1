"""What a turn that was stopped used is in the books all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta

import asyncpg
import pytest
from typing_extensions import override

from actors.conversation.core import ConversationCore
from domain.doorbell import RingReason
from domain.reply import AgentTurn
from domain.turn_context import TurnContext
from tests.fakes.world import ScriptedAgent, World
from tests.house import a_house, inbound, store
from tests.integration.turning import QUICK, a_conversation, until

pytestmark = pytest.mark.postgres

ROUND = {
    "model": "scripted", "ms": 40, "stop_reason": "tool_use", "input_tokens": 4000, "output_tokens": 50,
    "cache_read_tokens": 7, "cache_write_tokens": 9, "cost_micros": 1234, "priced_by": "scripted 2026",
}  # fmt: skip


class TwoRounds(ScriptedAgent):
    """Was answered once, used a tool, and is asking the model again when it is held back."""

    @override
    async def answer(
        self, context: TurnContext, *, on_stage: Callable[[str, Mapping[str, object]], None]
    ) -> AgentTurn:
        on_stage("model.called", {"model": "scripted"})
        on_stage("model.answered", ROUND)
        on_stage("tool.called", {"name": "find_product", "ok": True, "ms": 15})
        return await super().answer(context, on_stage=on_stage)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=4)
    yield pool
    await pool.close()


async def test_the_answered_rounds_of_a_stopped_turn_are_counted_and_priced(pool):
    world = World(pool, agent=TwoRounds(), rules={"quiet": QUICK})
    conversation = await a_conversation(pool)
    world.agent.gate.clear()
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    task = asyncio.create_task(core.run())
    await until(lambda: len(world.agent.asked) == 1)
    await store(pool, inbound("mais"))
    core.ring(RingReason.MESSAGE)
    await until(lambda: len(world.agent.asked) == 2)
    world.agent.gate.set()
    await task
    stopped = await pool.fetchrow("SELECT * FROM turns WHERE state = 'superseded'")
    counted = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    assert [stopped[name] for name in counted] == [4000, 50, 7, 9]
    assert stopped["cost_micros"] == 1234
    assert (stopped["latency"]["model"], stopped["latency"]["tools"]) == (40, 15)
    answered, cut_off = stopped["model_calls"]
    assert (answered["cost_micros"], answered["priced_by"]) == (1234, "scripted 2026")
    assert cut_off == {"error": "cancelled"}
    assert await pool.fetchval("SELECT cost_micros FROM conversations") == 1234 + 7
