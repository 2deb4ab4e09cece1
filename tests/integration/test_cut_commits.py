"""A turn whose commit is cut off every time: the model is paid a few times, then a person gets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from actors.conversation.residents import CUT_TURNS_MAX, Residents
from domain.commit import Commit, CommitResult
from domain.conversation import ATTEMPTS_MAX
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId
from storage.conversations import ConversationStore
from tests.fakes.world import World
from tests.house import a_house
from tests.integration.turning import QUICK, a_conversation, until

pytestmark = pytest.mark.postgres


class CutsTurns:
    """The store, except that the commit of a turn never ends in time; `cuts` times at most."""

    def __init__(self, store: ConversationStore, cuts: int) -> None:
        self._store = store
        self._cuts = cuts

    async def commit(self, commit: Commit) -> CommitResult:
        if commit.turn is not None and self._cuts > 0:
            self._cuts -= 1
            raise TimeoutError
        return await self._store.commit(commit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=6)
    yield pool
    await pool.close()


async def worked(world: World, conversation: ConversationId, *, cuts: int) -> None:
    """Rung again and again, as the sweep does, until nothing is pending."""
    ports = world.ports()
    cut: Any = CutsTurns(ConversationStore(world.pool), cuts)
    residents = Residents(
        replace(ports, conversations=cut), idle_after=timedelta(0), rest_after_failure_s=0
    )
    store = ConversationStore(world.pool)
    for _ in range(20):
        residents.ring(Ring(conversation_id=conversation, reason=RingReason.MESSAGE))
        await until(lambda: len(residents) == 0)
        if not (await store.load(conversation)).pending:
            return
    raise AssertionError("still pending after twenty rings")


async def test_a_commit_that_is_always_cut_off_ends_with_a_person_and_not_with_endless_model_calls(
    pool: asyncpg.Pool,
) -> None:
    world = World(pool, rules={"quiet": QUICK})
    conversation = await a_conversation(pool)
    await worked(world, conversation, cuts=1000)
    assert len(world.agent.asked) == CUT_TURNS_MAX - 1 + ATTEMPTS_MAX
    assert world.graph.sent == []
    assert await pool.fetchval("SELECT reason FROM handoffs") == "erro interno ao responder"


async def test_an_outage_that_ends_costs_no_conversation_its_answer(pool: asyncpg.Pool) -> None:
    world = World(pool, rules={"quiet": QUICK})
    conversation = await a_conversation(pool)
    await worked(world, conversation, cuts=CUT_TURNS_MAX + 1)
    assert len(world.graph.sent) == 1
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 0
