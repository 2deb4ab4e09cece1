"""How many requests came to Meta's door, by minute and answer: kept where every process can read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import asyncpg

STORE: Final[LiteralString] = """
INSERT INTO door_requests AS d (minute, status, requests)
SELECT date_trunc('minute', clock_timestamp()), status, requests
  FROM unnest($1::int[], $2::bigint[]) AS t(status, requests) ORDER BY status
ON CONFLICT (minute, status) DO UPDATE SET requests = d.requests + excluded.requests
"""
FORGET_OLD: Final[LiteralString] = """
DELETE FROM door_requests WHERE minute < clock_timestamp() - interval '2 days'
"""
LAST_HOUR: Final[LiteralString] = """
SELECT status, sum(requests)::bigint AS requests FROM door_requests
 WHERE minute > clock_timestamp() - interval '1 hour' GROUP BY status ORDER BY status
"""


class DoorLog:
    """One replica's counts, added to the house's. What a killed replica had not stored is lost."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._stored: dict[int, int] = {}

    async def store(self, totals: Mapping[int, int]) -> None:
        """`totals`: answers by status since the process began; only what is new is written."""
        new = {
            status: total - self._stored.get(status, 0)
            for status, total in totals.items()
            if total > self._stored.get(status, 0)
        }
        if new:
            await self._pool.execute(STORE, list(new), list(new.values()))
        self._stored = dict(totals)


async def forget_old_requests(pool: asyncpg.Pool[Any]) -> None:
    """What nobody looks at any more."""
    await pool.execute(FORGET_OLD)


async def read_last_hour(pool: asyncpg.Pool[Any]) -> dict[str, int]:
    """Answers of all webhook replicas in the last hour, by status."""
    return {str(row["status"]): row["requests"] for row in await pool.fetch(LAST_HOUR)}
