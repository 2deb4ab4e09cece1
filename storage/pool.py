"""One asyncpg pool per process: JSON as Python objects, UTC, a name PostgreSQL shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

#: What says that PostgreSQL is away rather than that a row or statement is bad.
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
)


async def open_pool(dsn: str, *, size: int, name: str, plan_once: bool = False) -> asyncpg.Pool:
    """Opens a pool of at most `size` connections; `name` is what pg_stat_activity shows.

    jsonb columns come and go as Python objects. `plan_once`: each statement is planned once a
    connection, for processes that repeat a few by primary key; planning the load of a turn takes as
    long as running it. Raises what asyncpg raises when the server is away.
    """
    settings = {"application_name": f"vitrine {name}"[:63], "timezone": "UTC"}
    if plan_once:
        settings["plan_cache_mode"] = "force_generic_plan"
    return await asyncpg.create_pool(
        dsn,
        min_size=0 if size == 1 else 1,
        max_size=size,
        command_timeout=30,
        max_inactive_connection_lifetime=300,
        init=prepare_connection,
        reset=reset_if_needed,
        server_settings=settings,
    )


async def reset_if_needed(connection: asyncpg.Connection[Any]) -> None:
    """Saves the round trip of asyncpg's RESET ALL, half of a turn's: nobody here changes a session.

    A connection given back inside a transaction (its owner was cancelled) is still made clean.
    """
    if connection.is_in_transaction():
        await connection.reset()


async def prepare_connection(connection: asyncpg.Connection[Any]) -> None:
    """Teaches one connection that jsonb is a Python object (binary: version byte, then text)."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_encode, decoder=_decode
    )


def _encode(value: Any) -> bytes:
    return b"\x01" + orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    """The UUIDs of asyncpg are a subclass, which orjson leaves to us."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _decode(value: bytes) -> Any:
    return orjson.loads(value[1:])
