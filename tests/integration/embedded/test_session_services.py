"""The servers the other tests stand on."""

from __future__ import annotations

import asyncpg
import pytest
from redis.asyncio import Redis

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def test_each_test_gets_a_database_of_its_own(database, empty_database):
    assert database != empty_database
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT current_database()") in database
    finally:
        await connection.close()


@pytest.mark.parametrize("extension", ["pg_trgm", "unaccent", "vector"])
async def test_the_embedded_server_has_the_extension(empty_database, extension):
    connection = await asyncpg.connect(empty_database)
    try:
        await connection.execute(f"CREATE EXTENSION {extension}")
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(empty_database, services):
    right = empty_database.split(":", 2)[2].split("@", 1)[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(empty_database.replace(right, "wrong"))


@pytest.mark.parametrize("attempt", ["first", "second"])
async def test_valkey_is_empty_at_the_start_of_every_test(redis_url, attempt):
    async with Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("left", attempt)
