from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.house import a_house
from tests.integration.api.desk import Desk, a_desk


@pytest.fixture
async def desk(database: str, redis_url: str) -> AsyncIterator[Desk]:
    """The API on real servers, with a supervisor, two sellers and a fake doorbell."""
    pool = await a_house(database)
    redis = Redis.from_url(redis_url)
    made = await a_desk(pool, redis)
    yield made
    await made.close()
    await redis.aclose()
    await pool.close()


@pytest.fixture
async def desk_with(database: str, redis_url: str) -> AsyncIterator[Callable[..., Awaitable[Desk]]]:
    """Makes desks with other settings or parts."""
    pool = await a_house(database)
    redis = Redis.from_url(redis_url)
    made: list[Desk] = []

    async def make(**given: Any) -> Desk:
        given.setdefault("redis", redis)
        one = await a_desk(pool, **given)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()
    await redis.aclose()
    await pool.close()
