"""The servers a person gave (DATABASE_URL, REDIS_URL): reachable, new enough, able."""

from __future__ import annotations

from typing import Final

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, RedisError

from storage.embedded.errors import ServerRefusedError

OLDEST_POSTGRES: Final = 15
OLDEST_REDIS: Final = (6, 2)
OLDEST_VALKEY: Final = (7, 0)
EXTENSIONS: Final = ("pg_trgm", "unaccent", "vector")
CONNECT_S: Final = 10.0

_UNREACHABLE: Final = (
    OSError,
    ValueError,
    OverflowError,  # a port beyond 65535
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
_CREATABLE: Final = """
SELECT name, installed_version IS NOT NULL AS installed
FROM pg_available_extensions WHERE name = ANY($1)"""
_MAY_CREATE: Final = """
SELECT has_database_privilege(current_database(), 'CREATE')"""
_SUPER: Final = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_TRUSTED: Final = """
SELECT DISTINCT name FROM pg_available_extension_versions WHERE name = ANY($1) AND trusted"""


async def check_postgres(dsn: str) -> str:
    """The server's version; raises ServerRefusedError with what would be right."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_S)
    except _UNREACHABLE as error:
        message = (
            f"DATABASE_URL: não foi possível conectar ao PostgreSQL: {str(error) or 'sem resposta'}"
        )
        raise ServerRefusedError(message) from error
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_POSTGRES:
            raise ServerRefusedError(
                f"DATABASE_URL: o servidor é PostgreSQL {version.major}; "
                f"precisa do {OLDEST_POSTGRES} ou mais novo"
            )
        await _check_extensions(connection)
        told = str(await connection.fetchval("SHOW server_version")).split(" ", 1)[0]
    finally:
        await connection.close()
    return told


async def _check_extensions(connection: asyncpg.Connection) -> None:
    found = {
        row["name"]: row["installed"] for row in await connection.fetch(_CREATABLE, EXTENSIONS)
    }
    missing = [name for name in EXTENSIONS if name not in found]
    if missing:
        names = ", ".join(missing)
        raise ServerRefusedError(
            f"DATABASE_URL: o servidor não tem {names}: instale (pacotes postgresql-contrib e pgvector)"
        )
    waiting = [name for name in EXTENSIONS if not found[name]]
    if not waiting or await connection.fetchval(_SUPER):
        return
    trusted = {row["name"] for row in await connection.fetch(_TRUSTED, waiting)}
    may_create = await connection.fetchval(_MAY_CREATE)
    refused = [name for name in waiting if not may_create or name not in trusted]
    if refused:
        statements = " ".join(f"CREATE EXTENSION {name};" for name in refused)
        raise ServerRefusedError(
            f"DATABASE_URL: este usuário não pode criar extensões; peça a um superusuário: {statements}"
        )


async def check_redis(url: str) -> str:
    """The server's name and version; raises ServerRefusedError with what would be right."""
    try:
        async with Redis.from_url(
            url, socket_connect_timeout=CONNECT_S, socket_timeout=CONNECT_S
        ) as client:
            about = await client.info("server")
    except AuthenticationError as error:
        raise ServerRefusedError("REDIS_URL: o servidor recusou a senha") from error
    except (RedisError, OSError, ValueError) as error:
        raise ServerRefusedError(f"REDIS_URL: não foi possível conectar: {error}") from error
    return judge_redis(about)


def judge_redis(about: dict[str, object]) -> str:
    """`about` is the server section of INFO; raises ServerRefusedError when it is too old."""
    if about.get("server_name") == "valkey":
        name, version, oldest = "Valkey", str(about["valkey_version"]), OLDEST_VALKEY
    else:
        name, version, oldest = "Redis", str(about["redis_version"]), OLDEST_REDIS
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < oldest:
        right = f"Redis {OLDEST_REDIS[0]}.{OLDEST_REDIS[1]} ou Valkey {OLDEST_VALKEY[0]}.{OLDEST_VALKEY[1]}, ou mais novo"
        raise ServerRefusedError(f"REDIS_URL: o servidor é {name} {version}; precisa de {right}")
    return f"{name} {version}"
