"""The accounts' secrets as processes read them: opened, remembered for a minute, never shown."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from domain.errors import TransientError
from domain.ids import PhysicalNumberId, new_id
from storage.accounts import Accounts
from storage.numbers import NumberStore
from storage.pool import open_pool
from storage.sealing import Seal

pytestmark = pytest.mark.postgres

SEAL = Seal("uma chave")
OURS, LATER = PhysicalNumberId("106000000000001"), PhysicalNumberId("106000000000002")


class Time:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database, size=2, name="tests")
    yield pool
    await pool.close()


async def seed(
    pool: asyncpg.Pool, token: str, *numbers: str, waba: str = "1", verify: str = "palavra"
) -> None:
    secrets = {"access_token": token, "app_secrets": "nova, antiga,", "verify_token": verify}
    await NumberStore(pool).seed(
        account_id=new_id(), facade_id=new_id(), name="Loja", portfolio_id=waba, waba_id=waba,
        secrets=SEAL.seal(secrets), facade_phone="", numbers=numbers,
    )  # fmt: skip


async def test_a_number_speaks_with_its_own_accounts_token(pool):
    await seed(pool, "token-um", OURS)
    await seed(pool, "token-dois", LATER, waba="2")
    accounts = Accounts(NumberStore(pool), SEAL)
    assert (await accounts.of_number(OURS)).access_token == "token-um"
    assert (await accounts.of_number(LATER)).access_token == "token-dois"
    assert (await accounts.of_number(LATER)).waba_id == "2"


async def test_both_app_secrets_count_while_one_is_replaced_by_the_other(pool):
    await seed(pool, "token", OURS)
    await seed(pool, "token", LATER, waba="2", verify="")
    accounts = Accounts(NumberStore(pool), SEAL)
    assert await accounts.app_secrets() == ("nova", "antiga", "nova", "antiga")
    assert await accounts.verify_tokens() == ("palavra",), "an empty word verifies nobody"


async def test_a_changed_token_is_taken_up_within_a_minute(pool):
    await seed(pool, "velho", OURS)
    time = Time()
    accounts = Accounts(NumberStore(pool), SEAL, monotonic=time)
    assert (await accounts.of_number(OURS)).access_token == "velho"
    await seed(pool, "novo", OURS)
    time.seconds += 59
    assert (await accounts.of_number(OURS)).access_token == "velho"
    time.seconds += 1
    assert (await accounts.of_number(OURS)).access_token == "novo"


async def test_an_unknown_number_may_be_known_later_and_is_asked_for_once_a_second(pool):
    await seed(pool, "token", OURS)
    time = Time()
    accounts = Accounts(NumberStore(pool), SEAL, monotonic=time)
    with pytest.raises(TransientError, match=LATER):
        await accounts.of_number(LATER)
    await seed(pool, "token", OURS, LATER)
    with pytest.raises(TransientError):
        await accounts.of_number(LATER)
    time.seconds += 1
    assert (await accounts.of_number(LATER)).access_token == "token"


async def test_an_accounts_secrets_are_not_shown(pool):
    await seed(pool, "token-secreto", OURS)
    shown = repr(await Accounts(NumberStore(pool), SEAL).of_number(OURS))
    assert shown == "AccountSecrets(waba_id='1')"
