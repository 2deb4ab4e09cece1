"""What the model has cost the house today, and the switch that is on while that is too much."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import asyncpg

from storage.switches import DAY_MONEY_SPENT

# The sum is read by one process now and then; conversations read the switch with everything else.
SETTLE: Final[LiteralString] = """
WITH spent AS MATERIALIZED (
    SELECT coalesce(sum(cost_micros), 0) AS micros FROM turns
     WHERE started_at >= date_trunc('day', now(), $3)
), reached AS (
    INSERT INTO switches (name, set_by, reason)
    SELECT $1, 'clock', 'o gasto de hoje com o modelo chegou ao limite' FROM spent WHERE micros >= $2
    ON CONFLICT (name) DO NOTHING RETURNING name
), ended AS (
    DELETE FROM switches s USING spent WHERE s.name = $1 AND spent.micros < $2 RETURNING s.name
)
SELECT EXISTS (SELECT 1 FROM reached) OR EXISTS (SELECT 1 FROM ended)
"""


class SpendingStore:
    """Sums the turns of today, a day beginning at midnight of `timezone`."""

    def __init__(self, pool: asyncpg.Pool[Any], timezone: str) -> None:
        self._pool = pool
        self._timezone = timezone

    async def settle(self, cap_micros: int) -> bool:
        """Turns the switch on or off by today's cost; whether it changed."""
        changed: bool = await self._pool.fetchval(
            SETTLE, DAY_MONEY_SPENT, cap_micros, self._timezone
        )
        return changed
