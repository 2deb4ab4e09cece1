"""What the settings say of the account, at the first start and when they have changed since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from config.settings import Settings, SettingsError
from jobs.seed import seed_house
from storage.pool import open_pool

pytestmark = pytest.mark.postgres

FIRST, SECOND, THIRD = "106000000000001", "106000000000002", "106000000000003"
WABA = "102000000000001"
ALL = ["sales", "collections", "renewal", "service"]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database, size=2, name="tests")
    yield pool
    await pool.close()


@pytest.fixture
def start(database: str):
    """Starts the house with these settings."""

    async def seed(*numbers: str, facade: str | None = None, waba: str = WABA) -> None:
        given: dict[str, Any] = {
            "database_url": database, "whatsapp_business_account_id": waba,
            "whatsapp_phone_number_ids": numbers, "whatsapp_facade_number": facade,
            "data_key": "k" * 40, "company_name": "Loja Exemplo",
        }  # fmt: skip
        await seed_house(Settings(_env_file=None, **given))

    return seed


async def numbers(pool: asyncpg.Pool) -> dict[str, tuple[bool, list[str]]]:
    rows = await pool.fetch(
        "SELECT phone_number_id, is_facade, traffic_classes FROM physical_numbers"
    )
    return {row["phone_number_id"]: (row["is_facade"], row["traffic_classes"]) for row in rows}


async def test_the_first_number_is_the_facade_and_alone_takes_new_threads(pool, start):
    await start(FIRST, SECOND)
    await start(FIRST, SECOND)
    assert await numbers(pool) == {FIRST: (True, ALL), SECOND: (False, [])}


async def test_a_number_added_in_the_first_place_does_not_become_the_facade(pool, start):
    await start(FIRST, SECOND)
    await start(THIRD, FIRST, SECOND)
    assert await numbers(pool) == {FIRST: (True, ALL), SECOND: (False, []), THIRD: (False, [])}


async def test_the_facade_people_name_is_the_facade_from_the_next_start_on(pool, start):
    await start(FIRST, SECOND)
    await pool.execute(
        "UPDATE physical_numbers SET traffic_classes = '{sales,service}', display_phone ="
        " CASE WHEN phone_number_id = $1 THEN '551130001234' ELSE '551130009999' END", FIRST,
    )  # fmt: skip
    await start(FIRST, SECOND, facade=SECOND)
    assert await numbers(pool) == {FIRST: (False, []), SECOND: (True, ["sales", "service"])}
    assert await pool.fetchval("SELECT display_phone FROM facades") == "551130009999"
    await start(FIRST, SECOND, facade="+551130001234")
    assert (await numbers(pool))[FIRST] == (True, ["sales", "service"])


async def test_a_new_number_named_as_the_facade_is_added_and_made_public_at_once(pool, start):
    await start(FIRST, SECOND)
    await start(THIRD, FIRST, SECOND, facade=THIRD)
    assert await numbers(pool) == {FIRST: (False, []), SECOND: (False, []), THIRD: (True, ALL)}


async def test_a_phone_written_before_it_is_known_names_the_public_number(pool, start):
    await start(FIRST, SECOND)
    await start(FIRST, SECOND, facade="+551130001234")
    shown = "SELECT display_phone FROM physical_numbers WHERE is_facade"
    assert await pool.fetchval(shown) == "551130001234"
    assert await pool.fetchval("SELECT display_phone FROM facades") == "551130001234"


async def test_a_phone_of_none_of_the_numbers_is_refused_by_name_and_changes_nothing(pool, start):
    await start(FIRST, SECOND, facade="+551130001234")
    with pytest.raises(SettingsError, match=r"WHATSAPP_FACADE_NUMBER: .*\+55 11 3000-1234"):
        await start(THIRD, FIRST, SECOND, facade="+551130007777")
    assert THIRD not in await numbers(pool)


async def test_a_number_of_another_account_is_refused_by_name_and_changes_nothing(pool, start):
    await start(FIRST)
    with pytest.raises(SettingsError, match=f"WHATSAPP_PHONE_NUMBER_IDS: {FIRST}"):
        await start(FIRST, SECOND, waba="102000000000009")
    assert await pool.fetchval("SELECT count(*) FROM accounts") == 1
