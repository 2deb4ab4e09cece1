"""The desk of each test: in memory, or on one database that is emptied in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.contracts.desk import Desk, FakeDesk, PostgresDesk
from tests.house import a_house
from tests.services import Services

#: The chain of the audit is never cut, and its head is a row of the schema.
_KEPT = ("audit", "audit_head", "schema_migrations")


@pytest.fixture(scope="session")
def desk_database(services: Services) -> Iterator[str]:
    """One for all: emptying its tables is ten times quicker than cloning a database."""
    name = services.create_database()
    yield services.postgres_dsn(name)
    services.drop_database(name)


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.postgres)])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    """The same tests on both; where they differ the fake is wrong."""
    if request.param == "fake":
        yield FakeDesk()
        return
    dsn = request.getfixturevalue("desk_database")
    await _empty(dsn)
    pool = await a_house(dsn, size=2)
    try:
        yield PostgresDesk(pool)
    finally:
        await pool.close()


async def _empty(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetchval(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> ALL ($1)",
            list(_KEPT),
        )
        await connection.execute(f"TRUNCATE {tables} CASCADE")
    finally:
        await connection.close()
