"""How many requests at Meta's door had a wrong signature, minute by minute: a total knows no "lately"."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import asyncpg

REMEMBER: Final[LiteralString] = """
INSERT INTO door_refusals AS d (minute, total)
SELECT date_trunc('minute', clock_timestamp()), coalesce(sum(value), 0) FROM counter_totals
 WHERE sample = 'vitrine_webhook_requests_total' AND labels::jsonb ->> 'status' = '401'
ON CONFLICT (minute) DO UPDATE SET total = greatest(d.total, excluded.total)
"""
FORGET_OLD: Final[LiteralString] = """
DELETE FROM door_refusals WHERE minute < clock_timestamp() - interval '1 hour'
"""


async def remember_refusals(pool: asyncpg.Pool[Any]) -> None:
    """Keeps what the house's counters say now, and drops what nobody looks at any more."""
    await pool.execute(REMEMBER)
    await pool.execute(FORGET_OLD)
