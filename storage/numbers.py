"""Accounts, facades and physical numbers: who we are towards Meta. Truth of the NumberPool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.ids import AccountId, FacadeId, PhysicalNumberId

LIST_LINES: Final[LiteralString] = """
SELECT n.phone_number_id, n.account_id, n.facade_id, a.portfolio_id, a.waba_id
  FROM physical_numbers n JOIN accounts a ON a.id = n.account_id
"""

LIST_NUMBERS: Final[LiteralString] = """
SELECT n.phone_number_id, n.account_id, n.facade_id, n.is_facade, n.display_phone, n.verified_name,
       n.traffic_classes, n.weight, n.state, n.health, n.health_reason, n.health_since,
       n.quarantined_until, n.quality, n.meta_status, n.messaging_limit, n.messages_per_second,
       (SELECT count(*) FROM conversations c WHERE c.sticky_number = n.phone_number_id
           AND c.mode <> 'closed' AND c.updated_at > now() - interval '24 hours') AS open_threads
  FROM physical_numbers n ORDER BY n.phone_number_id
"""

UPDATE_HEALTH: Final[LiteralString] = """
UPDATE physical_numbers SET state = $2, health = $3, health_reason = $4,
       health_since = CASE WHEN health IS DISTINCT FROM $3 THEN clock_timestamp() ELSE health_since END,
       quarantined_until = $5, updated_at = clock_timestamp()
 WHERE phone_number_id = $1
"""

UPDATE_REPORT: Final[LiteralString] = """
UPDATE physical_numbers SET quality = coalesce($2, quality), meta_status = coalesce($3, meta_status),
       messaging_limit = coalesce($4, messaging_limit), verified_name = coalesce($5, verified_name),
       messages_per_second = coalesce($6, messages_per_second), polled_at = clock_timestamp(),
       updated_at = clock_timestamp()
 WHERE phone_number_id = $1
"""

UPSERT_ACCOUNT: Final[LiteralString] = """
INSERT INTO accounts (id, name, portfolio_id, waba_id, secrets) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (waba_id) DO UPDATE SET secrets = excluded.secrets RETURNING id
"""

FIND_FACADE: Final[LiteralString] = (
    "SELECT id FROM facades WHERE account_id = $1 ORDER BY created_at"
)

INSERT_FACADE: Final[LiteralString] = """
INSERT INTO facades (id, account_id, name, display_phone) VALUES ($1, $2, $3, $4)
"""

UPSERT_NUMBER: Final[LiteralString] = """
INSERT INTO physical_numbers (phone_number_id, account_id, facade_id, is_facade, display_phone,
    traffic_classes) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (phone_number_id) DO NOTHING
"""

LIST_ACCOUNTS: Final[LiteralString] = """
SELECT id, name, portfolio_id, waba_id, secrets FROM accounts ORDER BY created_at
"""


# Webhooks about the house rather than a conversation: numbers, accounts, templates, preferences.
LIST_HOUSE_EVENTS: Final[LiteralString] = """
SELECT seq, kind, payload FROM inbound_events
 WHERE worked_at IS NULL AND conversation_id IS NULL
   AND kind IN ('number', 'account', 'template', 'preference')
 ORDER BY seq LIMIT $1
"""

MARK_WORKED: Final[LiteralString] = """
UPDATE inbound_events SET worked_at = clock_timestamp(), outcome = $2
 WHERE seq = ANY ($1) AND worked_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseEvent:
    seq: int
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where a physical number belongs, as intake needs it."""

    phone_number_id: PhysicalNumberId
    account_id: AccountId
    facade_id: FacadeId
    portfolio_id: str
    waba_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    phone_number_id: PhysicalNumberId
    account_id: AccountId
    facade_id: FacadeId
    is_facade: bool
    display_phone: str
    verified_name: str
    traffic_classes: Sequence[str]
    weight: int
    state: str
    health: str
    health_reason: str
    health_since: datetime
    quarantined_until: datetime | None
    quality: str
    meta_status: str
    messaging_limit: str | None
    messages_per_second: int
    open_threads: int


class NumberStore:
    """The only door to accounts and numbers."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_lines(self) -> dict[str, Line]:
        rows = await self._pool.fetch(LIST_LINES)
        return {row["phone_number_id"]: Line(**dict(row)) for row in rows}

    async def list_numbers(self) -> list[NumberRow]:
        return [NumberRow(**dict(row)) for row in await self._pool.fetch(LIST_NUMBERS)]

    async def list_accounts(self) -> list[Mapping[str, Any]]:
        return [dict(row) for row in await self._pool.fetch(LIST_ACCOUNTS)]

    async def list_house_events(self, *, limit: int) -> list[HouseEvent]:
        rows = await self._pool.fetch(LIST_HOUSE_EVENTS, limit)
        return [HouseEvent(**dict(row)) for row in rows]

    async def mark_worked(self, seqs: Sequence[int], outcome: str) -> None:
        await self._pool.execute(MARK_WORKED, list(seqs), outcome)

    async def save_health(
        self,
        number: PhysicalNumberId,
        *,
        state: str,
        health: str,
        reason: str,
        quarantined_until: datetime | None,
    ) -> None:
        await self._pool.execute(UPDATE_HEALTH, number, state, health, reason, quarantined_until)

    async def save_report(
        self,
        number: PhysicalNumberId,
        *,
        quality: str | None,
        meta_status: str | None,
        messaging_limit: str | None,
        verified_name: str | None,
        messages_per_second: int | None,
    ) -> None:
        await self._pool.execute(
            UPDATE_REPORT,
            number,
            quality,
            meta_status,
            messaging_limit,
            verified_name,
            messages_per_second,
        )

    async def seed(
        self,
        *,
        account_id: UUID,
        facade_id: UUID,
        name: str,
        portfolio_id: str,
        waba_id: str,
        secrets: bytes,
        facade_phone: str,
        numbers: Sequence[str],
        facade_number: str | None = None,
    ) -> AccountId:
        """The first account from the settings. Repeating is harmless; people's changes stay.

        `facade_number` is one of `numbers`, by default the first. Only it takes new threads at
        first: it carries every traffic class.
        """
        public = facade_number if facade_number in numbers else numbers[0]
        async with self._pool.acquire() as db, db.transaction():
            account = await db.fetchval(
                UPSERT_ACCOUNT, account_id, name, portfolio_id, waba_id, secrets
            )
            facade = await db.fetchval(FIND_FACADE, account)
            if facade is None:
                facade = facade_id
                await db.execute(INSERT_FACADE, facade, account, name, facade_phone)
            for number in numbers:
                is_public = number == public
                classes = ["sales", "collections", "renewal", "service"] if is_public else []
                await db.execute(
                    UPSERT_NUMBER,
                    number,
                    account,
                    facade,
                    is_public,
                    facade_phone if is_public else "",
                    classes,
                )
        return AccountId(account)
