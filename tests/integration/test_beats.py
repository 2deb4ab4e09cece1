"""Signs of life: who lives, and how many of those send messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest

from storage.actor_rows import ActorRows, Beat
from storage.pool import open_pool

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database, size=2, name="tests")
    yield pool
    await pool.close()


def beat(name: str, kind: str) -> Beat:
    return Beat(
        name=name, kind=kind, actor_id="", node="n", pid=1, memory_bytes=1,
        started_at=datetime.now(UTC),
    )  # fmt: skip


async def test_a_beat_says_how_many_processes_send_now(pool):
    rows = ActorRows(pool)
    await rows.take_lease("conversations/0", shard=0)
    await rows.take_lease("conversation/x", shard=None)
    assert await rows.beat(beat("webhook/a", "webhook")) == 0
    assert await rows.beat(beat("conversations/0", "shared")) == 1
    assert await rows.beat(beat("conversation/x", "own")) == 2
    assert await rows.beat(beat("sender", "sender")) == 3
    assert await rows.beat(beat("sender", "sender")) == 3, "itself once"
    assert await rows.beat(beat("webhook/a", "webhook")) == 3
    await pool.execute(
        "UPDATE actor_beats SET beat_at = now() - interval '1 minute' WHERE kind = 'own'"
    )
    assert await rows.beat(beat("sender", "sender")) == 2, "one that is silent sends nothing"


async def test_what_a_host_beats_after_it_was_ended_for_good_is_not_stored(pool):
    """Its last beat may still be on its way when the ending forgets it."""
    rows = ActorRows(pool)
    await rows.take_lease("conversations/4", shard=4)
    await rows.beat(replace(beat("conversations/4", "shared"), resident_count=11_200))
    assert await pool.fetchval("SELECT resident_count FROM actor_beats") == 11_200
    await rows.forget("conversations/4")
    await rows.beat(beat("conversations/4", "shared"))
    assert await pool.fetchval("SELECT count(*) FROM actor_beats") == 0
