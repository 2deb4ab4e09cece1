"""A conversation on the real database and its turns, as several files of tests need them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg

from actors.conversation.core import ConversationCore
from domain.ids import ConversationId, OperatorId, new_id
from domain.turn import QuietRule
from storage.human_actions import Acting
from storage.statuses import StatusStore
from tests.factories import NOW
from tests.fakes.world import World
from tests.house import inbound, store

#: No waiting for what a person may still be writing.
QUICK = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))


async def a_conversation(
    pool: asyncpg.Pool, *texts: str, consent: str = "granted"
) -> ConversationId:
    for text in texts or ("Quanto custa?",):
        await store(pool, inbound(text))
    await pool.execute("UPDATE contacts SET ai_consent = $1", consent)
    found = await pool.fetchval("SELECT id FROM conversations")
    return ConversationId(found)


async def an_operator(pool: asyncpg.Pool) -> Acting:
    operator = OperatorId(new_id())
    await pool.execute(
        "INSERT INTO operators (id, email, name, role, password_hash)"
        " VALUES ($1, $2, 'Bia', 'supervisor', '')",
        operator, f"{operator}@x.example",
    )  # fmt: skip
    return Acting(operator_id=operator, audit_name="Bia", row_scope=None, at=NOW)


async def until(look: Callable[[], Any], within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not look():  # noqa: ASYNC110 - the fakes have no events to wait for
            await asyncio.sleep(0.01)


async def run(world: World, conversation: ConversationId) -> None:
    """Works the conversation until it has nothing more to do."""
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    async with asyncio.timeout(20):
        await core.run()


async def apply_all(pool: asyncpg.Pool) -> None:
    rows = await pool.fetch("SELECT seq FROM message_statuses WHERE applied_at IS NULL")
    await StatusStore(pool).apply([r["seq"] for r in rows])
