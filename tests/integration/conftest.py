"""What most files here start from; one that needs another pool has its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.fakes.world import World
from tests.house import a_house
from tests.integration.merging import Twins, some_twins
from tests.integration.turning import QUICK


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """A house with its number, its façade and nobody who wrote yet."""
    pool = await a_house(database, size=8)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


@pytest.fixture
async def twins(pool: asyncpg.Pool) -> Twins:
    return await some_twins(pool)
