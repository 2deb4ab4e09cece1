"""The servers of DATABASE_URL and REDIS_URL: refused in one line when they cannot do."""

from __future__ import annotations

import asyncpg
import pytest

from storage.embedded.errors import ServerRefusedError
from storage.embedded.given import check_postgres, check_redis, judge_redis

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def test_able_servers_tell_their_version(empty_database, redis_url):
    assert (await check_postgres(empty_database)).startswith("18.")
    assert (await check_redis(redis_url)).startswith("Valkey 8.")


async def test_a_user_who_may_not_create_extensions_is_told_what_to_ask_for(empty_database):
    admin = await asyncpg.connect(empty_database)
    try:
        await admin.execute("DROP ROLE IF EXISTS clerk")
        await admin.execute("CREATE ROLE clerk LOGIN PASSWORD 'clerk-password'")
    finally:
        await admin.close()
    as_clerk = "postgresql://clerk:clerk-password@" + empty_database.split("@", 1)[1]
    with pytest.raises(ServerRefusedError, match=r"peça a um superusuário: CREATE EXTENSION"):
        await check_postgres(as_clerk)


async def test_extensions_already_there_ask_nothing_of_the_user(empty_database):
    admin = await asyncpg.connect(empty_database)
    try:
        for name in ("pg_trgm", "unaccent", "vector"):
            await admin.execute(f"CREATE EXTENSION {name}")
        await admin.execute("DROP ROLE IF EXISTS guest")
        await admin.execute("CREATE ROLE guest LOGIN PASSWORD 'guest-password'")
    finally:
        await admin.close()
    as_guest = "postgresql://guest:guest-password@" + empty_database.split("@", 1)[1]
    assert await check_postgres(as_guest)


@pytest.mark.parametrize(
    "dsn", ["postgresql://u:p@127.0.0.1:1/x", "postgresql://u:p@127.0.0.1:99999/x"]
)
async def test_a_server_that_is_not_there_is_one_line(dsn):
    with pytest.raises(ServerRefusedError, match=r"^DATABASE_URL: não foi possível conectar"):
        await check_postgres(dsn)


async def test_a_redis_that_is_not_there_is_one_line():
    with pytest.raises(ServerRefusedError, match=r"^REDIS_URL: não foi possível conectar"):
        await check_redis("redis://127.0.0.1:1/0")


async def test_a_wrong_redis_password_is_one_line(redis_url):
    wrong = "redis://:wrong@" + redis_url.split("@", 1)[1]
    with pytest.raises(ServerRefusedError, match=r"^REDIS_URL: o servidor recusou a senha"):
        await check_redis(wrong)


@pytest.mark.parametrize(
    ("about", "outcome"),
    [
        ({"redis_version": "6.2.0"}, "Redis 6.2.0"),
        (
            {"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "7.2.11"},
            "Valkey 7.2.11",
        ),
        ({"redis_version": "6.0.16"}, None),
        ({"redis_version": "5.0.7"}, None),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "6.9.0"}, None),
    ],
)
def test_an_old_redis_is_refused(about, outcome):
    if outcome is None:
        with pytest.raises(ServerRefusedError, match=r"precisa de Redis 6\.2 ou Valkey 7\.0"):
            judge_redis(about)
    else:
        assert judge_redis(about) == outcome
