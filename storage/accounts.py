"""The accounts' secrets, opened: tokens to send with, app secrets to verify with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from domain.errors import TransientError
from domain.ids import PhysicalNumberId
from storage.numbers import NumberStore
from storage.sealing import Seal

#: Tokens rotate rarely; a changed one is taken up within this time.
_FRESH_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSecrets:
    """`app_secrets`: two, comma-separated, while rotating. Never logged, never shown."""

    waba_id: str
    access_token: str
    app_secrets: tuple[str, ...]
    verify_token: str

    @override
    def __repr__(self) -> str:
        return f"AccountSecrets(waba_id={self.waba_id!r})"


class Accounts:
    """Read-through copies, renewed once a minute."""

    def __init__(
        self,
        store: NumberStore,
        seal: Seal,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._seal = seal
        self._by_number: dict[str, AccountSecrets] = {}
        self._all: list[AccountSecrets] = []
        self._read_at = float("-inf")

    async def of_number(self, number: PhysicalNumberId) -> AccountSecrets:
        """Raises TransientError for a number that is not known (yet)."""
        await self._renew(force=number not in self._by_number)
        secrets = self._by_number.get(number)
        if secrets is None:
            raise TransientError(f"physical number {number} is not known", retry_after_s=30)
        return secrets

    async def app_secrets(self) -> tuple[str, ...]:
        await self._renew(force=False)
        return tuple(secret for account in self._all for secret in account.app_secrets)

    async def verify_tokens(self) -> tuple[str, ...]:
        await self._renew(force=False)
        return tuple(account.verify_token for account in self._all if account.verify_token)

    async def _renew(self, *, force: bool) -> None:
        age = self._monotonic() - self._read_at
        if age < (1.0 if force else _FRESH_S):
            return
        accounts = {
            row["id"]: _opened(row, self._seal) for row in await self._store.list_accounts()
        }
        lines = await self._store.list_lines()
        self._by_number = {n: accounts[line.account_id] for n, line in lines.items()}
        self._all = list(accounts.values())
        self._read_at = self._monotonic()


def _opened(row: Mapping[str, Any], seal: Seal) -> AccountSecrets:
    secrets = seal.open(row["secrets"])
    return AccountSecrets(
        waba_id=row["waba_id"],
        access_token=secrets.get("access_token", ""),
        app_secrets=tuple(
            s.strip() for s in secrets.get("app_secrets", "").split(",") if s.strip()
        ),
        verify_token=secrets.get("verify_token", ""),
    )
