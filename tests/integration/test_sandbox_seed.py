"""The sandbox's company on the real tables: loaded once, and people's work on it is not undone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from jobs.sandbox_seed import seed_company
from sandbox.app import create_app
from sandbox.config import SandboxConfig
from tests.house import a_house, inbound, store
from tests.unit.sandbox.servers import listening_socket, serving

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database)
    yield pool
    await pool.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[str]:
    bound = listening_socket()
    app = create_app(SandboxConfig(port=bound.getsockname()[1]))
    async with serving((app, bound)) as [address]:
        yield address


async def count(pool: asyncpg.Pool, table: str) -> int:
    found: int = await pool.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - the test's own words
    return found


async def test_the_company_and_its_past_are_there_after_the_first_start(pool, sandbox):
    await seed_company(pool, sandbox)
    assert await count(pool, "contacts") == 200
    product = await pool.fetchrow("SELECT * FROM products ORDER BY sku LIMIT 1")
    assert product["price_centavos"] > 0
    assert product["currency"] == "BRL"
    past = await pool.fetchrow(
        "SELECT count(*) AS n, bool_and(mode = 'closed') AS closed,"
        " bool_and(last_message_id IS NOT NULL) AS told, bool_and(created_at < now()) AS past"
        " FROM conversations"
    )
    assert past["n"] > 10
    assert (past["closed"], past["told"], past["past"]) == (True, True, True)
    pending = "SELECT count(*) FROM inbound_events WHERE worked_at IS NULL"
    assert await pool.fetchval(pending) == 0, "nobody answers the past"
    mine = "SELECT count(*) FROM messages WHERE author = 'operator' AND operator_id IS NULL"
    assert await pool.fetchval(mine) == 0, "what a person said then is a person's"


async def test_a_second_start_adds_nothing_and_takes_up_a_changed_price(pool, sandbox):
    tables = ("contacts", "conversations", "messages", "operators", "products", "knowledge")
    await seed_company(pool, sandbox)
    before = [await count(pool, table) for table in tables]
    await pool.execute("UPDATE products SET price_centavos = 1, floor_centavos = NULL")
    await seed_company(pool, sandbox)
    assert [await count(pool, table) for table in tables] == before
    assert await pool.fetchval("SELECT min(price_centavos) FROM products") > 1


async def test_a_database_in_which_somebody_wrote_gets_no_invented_past(pool, sandbox):
    await store(pool, inbound("Oi"))
    await seed_company(pool, sandbox)
    assert await count(pool, "contacts") == 1
    assert await count(pool, "products") > 0


async def test_a_customer_of_the_past_who_writes_is_the_same_contact(pool, sandbox):
    await seed_company(pool, sandbox)
    known = await pool.fetchrow(
        "SELECT i.wa_id, c.id FROM channel_identities i JOIN conversations c USING (contact_id)"
        " LIMIT 1"
    )
    portfolio = await pool.fetchval("SELECT portfolio_id FROM accounts")
    assert portfolio == "5069"
    receipt = await store(pool, inbound("voltei", wa_id=known["wa_id"]))
    assert receipt.events[0].conversation_id == known["id"]
