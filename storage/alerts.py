"""What of the house a person must know now: it stands while its cause stands, and ends with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString, TypeAlias

import asyncpg

from storage.switches import DAY_MONEY_SPENT

# Numbers stopped by their account's ban are said once, by the account.
_LIST: Final[LiteralString] = """
SELECT 'account_' || a.standing AS kind, a.name AS subject, a.standing_reason AS reason,
       a.standing_at AS since, a.standing_until AS until
  FROM accounts a
 WHERE a.standing <> 'good' AND coalesce(a.standing_until > now(), true)
UNION ALL
SELECT 'number_' || n.health, coalesce('+' || nullif(n.display_phone, ''), n.phone_number_id),
       n.health_reason, n.health_since, n.quarantined_until
  FROM physical_numbers n JOIN accounts a ON a.id = n.account_id
 WHERE n.wish <> 'disabled' AND n.health IN ('paused', 'banned') AND a.standing <> 'disabled'
UNION ALL
SELECT name, '', reason, on_since, NULL FROM switches WHERE name = $1
 ORDER BY since LIMIT 50"""


AlertKind: TypeAlias = Literal[
    "account_restricted", "account_disabled", "number_paused", "number_banned", "day_money_spent"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """`subject`: an account's name, a number's phone with its `+`, or else its id."""

    kind: AlertKind
    subject: str
    reason: str
    since: datetime
    until: datetime | None


async def list_alerts(pool: asyncpg.Pool[Any]) -> list[Alert]:
    """The oldest first."""
    return [Alert(**dict(row)) for row in await pool.fetch(_LIST, DAY_MONEY_SPENT)]
