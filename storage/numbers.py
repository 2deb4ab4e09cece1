"""Accounts, facades and physical numbers: who we are towards Meta. Truth of the NumberPool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.account import AccountStanding, Standing
from domain.errors import RejectedError
from domain.ids import AccountId, FacadeId, PhysicalNumberId
from domain.number import NumberHealth, PhysicalNumber, Verdict, Wish

LIST_LINES: Final[LiteralString] = """
SELECT n.phone_number_id, n.account_id, n.facade_id, a.portfolio_id, a.waba_id
  FROM physical_numbers n JOIN accounts a ON a.id = n.account_id
"""

LIST_NUMBERS: Final[LiteralString] = """
SELECT n.phone_number_id, n.account_id, n.facade_id, n.is_facade, n.display_phone,
       n.traffic_classes, n.weight, n.wish, n.activated_at, n.health, n.health_reason,
       n.quarantined_until, n.replies_only, n.quality, n.meta_status,
       a.standing, a.standing_reason, a.standing_until,
       (SELECT count(*) FROM conversations c WHERE c.sticky_number = n.phone_number_id
           AND c.mode <> 'closed' AND c.updated_at > now() - interval '24 hours') AS open_threads
  FROM physical_numbers n JOIN accounts a ON a.id = n.account_id ORDER BY n.phone_number_id
"""

# The state follows from the row's own wish, so a judgement made on an older copy keeps it.
UPDATE_HEALTH: Final[LiteralString] = """
UPDATE physical_numbers SET
       state = CASE WHEN wish <> 'disabled' AND $2 IN ('paused', 'banned') THEN 'quarantined' ELSE wish END,
       health = $2, health_reason = $3,
       health_since = CASE WHEN health IS DISTINCT FROM $2 THEN clock_timestamp() ELSE health_since END,
       quarantined_until = $4, replies_only = $5, updated_at = clock_timestamp()
 WHERE phone_number_id = $1
"""

# What Meta did not say stays. A façade without a phone of its own takes that of its public number.
UPDATE_REPORT: Final[LiteralString] = """
WITH told AS (
    UPDATE physical_numbers SET quality = coalesce($2, quality), meta_status = coalesce($3, meta_status),
           messaging_limit = coalesce($4, messaging_limit), verified_name = coalesce($5, verified_name),
           messages_per_second = coalesce($6, messages_per_second),
           display_phone = coalesce($7, display_phone), polled_at = clock_timestamp(),
           updated_at = clock_timestamp()
     WHERE phone_number_id = $1 RETURNING facade_id, is_facade, display_phone
)
UPDATE facades f SET display_phone = told.display_phone FROM told
 WHERE f.id = told.facade_id AND told.is_facade AND f.display_phone = ''
"""

# Meta repeats notices and does not keep their order: an older one never replaces a newer one.
UPDATE_STANDING: Final[LiteralString] = """
UPDATE accounts SET standing = $2, standing_reason = $3, standing_until = $4, standing_at = $5
 WHERE waba_id = $1 AND (standing_at IS NULL OR standing_at <= $5) RETURNING id
"""

UPSERT_ACCOUNT: Final[LiteralString] = """
INSERT INTO accounts (id, name, portfolio_id, waba_id, secrets) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (waba_id) DO UPDATE SET secrets = excluded.secrets RETURNING id
"""

FIND_FACADE: Final[LiteralString] = """
SELECT f.id, n.phone_number_id AS public FROM facades f
  LEFT JOIN physical_numbers n ON n.facade_id = f.id AND n.is_facade
 WHERE f.account_id = $1 ORDER BY f.created_at LIMIT 1 FOR UPDATE OF f
"""

INSERT_FACADE: Final[LiteralString] = """
INSERT INTO facades (id, account_id, name, display_phone) VALUES ($1, $2, $3, $4)
"""

INSERT_NUMBERS: Final[LiteralString] = """
INSERT INTO physical_numbers (phone_number_id, account_id, facade_id, display_phone)
SELECT unnest($1::text[]), $2, $3, '' ON CONFLICT (phone_number_id) DO NOTHING
"""

OTHERS: Final[LiteralString] = """
SELECT phone_number_id FROM physical_numbers WHERE phone_number_id = ANY ($1) AND account_id <> $2
"""

STEP_BACK: Final[LiteralString] = """
UPDATE physical_numbers n SET is_facade = false, traffic_classes = '{}', updated_at = clock_timestamp()
  FROM physical_numbers before
 WHERE n.facade_id = $1 AND n.is_facade AND before.phone_number_id = n.phone_number_id
RETURNING before.traffic_classes
"""

# The public number carries what the one before it carried, or everything; threads stay where they are.
STEP_FORWARD: Final[LiteralString] = """
WITH public AS (
    UPDATE physical_numbers SET is_facade = true, traffic_classes = $2, updated_at = clock_timestamp()
     WHERE phone_number_id = $1 RETURNING facade_id, display_phone
)
UPDATE facades f SET display_phone = public.display_phone FROM public WHERE f.id = public.facade_id
"""

LABEL: Final[LiteralString] = """
WITH labelled AS (
    UPDATE physical_numbers SET display_phone = $2
     WHERE facade_id = $1 AND is_facade AND display_phone = '' RETURNING facade_id
)
UPDATE facades SET display_phone = $2 WHERE id = $1 AND display_phone = ''
"""

LIST_ACCOUNTS: Final[LiteralString] = """
SELECT id, name, portfolio_id, waba_id, secrets FROM accounts ORDER BY created_at
"""


# Webhooks about the house rather than a conversation: numbers, accounts, templates, preferences.
LIST_HOUSE_EVENTS: Final[LiteralString] = """
SELECT seq, kind, waba_id, payload FROM inbound_events
 WHERE worked_at IS NULL AND conversation_id IS NULL
   AND kind IN ('number', 'account', 'template', 'preference')
 ORDER BY seq LIMIT $1
"""

MARK_WORKED: Final[LiteralString] = """
UPDATE inbound_events SET worked_at = clock_timestamp(), outcome = $2
 WHERE seq = ANY ($1) AND worked_at IS NULL
"""


TRAFFIC_CLASSES: Final = ["sales", "collections", "renewal", "service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseEvent:
    seq: int
    kind: str
    waba_id: str | None
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
class NumberReading:
    """What Meta says of a number; None is what it did not say. `display_phone`: digits."""

    quality: str | None = None
    meta_status: str | None = None
    messaging_limit: str | None = None
    verified_name: str | None = None
    messages_per_second: int | None = None
    display_phone: str | None = None


class NumberStore:
    """The only door to accounts and numbers."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_lines(self) -> dict[str, Line]:
        rows = await self._pool.fetch(LIST_LINES)
        return {row["phone_number_id"]: Line(**dict(row)) for row in rows}

    async def list_numbers(self) -> list[PhysicalNumber]:
        return [_number(row) for row in await self._pool.fetch(LIST_NUMBERS)]

    async def list_accounts(self) -> list[Mapping[str, Any]]:
        return [dict(row) for row in await self._pool.fetch(LIST_ACCOUNTS)]

    async def list_house_events(self, *, limit: int) -> list[HouseEvent]:
        rows = await self._pool.fetch(LIST_HOUSE_EVENTS, limit)
        return [HouseEvent(**dict(row)) for row in rows]

    async def mark_worked(self, seqs: Sequence[int], outcome: str) -> None:
        await self._pool.execute(MARK_WORKED, list(seqs), outcome)

    async def save_health(self, number: PhysicalNumberId, verdict: Verdict) -> None:
        """The pool's judgement; what a person wishes of the number is not touched by it."""
        await self._pool.execute(
            UPDATE_HEALTH,
            number,
            verdict.health,
            verdict.reason,
            verdict.quarantined_until,
            verdict.replies_only,
        )

    async def save_report(self, number: PhysicalNumberId, reading: NumberReading) -> None:
        await self._pool.execute(
            UPDATE_REPORT,
            number,
            reading.quality,
            reading.meta_status,
            reading.messaging_limit,
            reading.verified_name,
            reading.messages_per_second,
            reading.display_phone,
        )

    async def save_standing(self, waba_id: str, standing: AccountStanding, *, at: datetime) -> bool:
        """What a notice of that time says of an account; False: not ours, or a newer one is known."""
        changed = await self._pool.fetchval(
            UPDATE_STANDING, waba_id, standing.standing, standing.reason, standing.until, at
        )
        return changed is not None

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
        """The settings' account, written in one transaction; repeating is harmless.

        `facade_number`, one of `numbers`, is the public one from now on: only it takes new threads
        until people say more. None keeps the public number there is, and makes the first one public
        when there is none. Raises RejectedError for numbers that another account has.
        """
        async with self._pool.acquire() as db, db.transaction():
            account = await db.fetchval(
                UPSERT_ACCOUNT, account_id, name, portfolio_id, waba_id, secrets
            )
            others = await db.fetch(OTHERS, list(numbers), account)
            if others:
                taken = ", ".join(row["phone_number_id"] for row in others)
                raise RejectedError(f"{taken} is of another account")
            facade = await db.fetchrow(FIND_FACADE, account)
            if facade is None:
                await db.execute(INSERT_FACADE, facade_id, account, name, facade_phone)
            of, public = (facade_id, None) if facade is None else facade
            await db.execute(INSERT_NUMBERS, list(numbers), account, of)
            wanted = facade_number or public or numbers[0]
            if wanted != public:
                carried = await db.fetchval(STEP_BACK, of) if public else None
                await db.execute(STEP_FORWARD, wanted, carried or TRAFFIC_CLASSES)
            if facade_phone:
                await db.execute(LABEL, of, facade_phone)
        return AccountId(account)


def _number(row: asyncpg.Record) -> PhysicalNumber:
    fields = dict(row)
    account = AccountStanding(
        standing=Standing(fields.pop("standing")),
        reason=fields.pop("standing_reason"),
        until=fields.pop("standing_until"),
    )
    wish, health = Wish(fields.pop("wish")), NumberHealth(fields.pop("health"))
    return PhysicalNumber(**fields, wish=wish, health=health, account=account)
