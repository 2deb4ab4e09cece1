"""The house's counters: what every process counted since there is a database, added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import asyncpg

from telemetry.totals import Sample

# In order, so that two processes that add at once never wait for each other in a circle.
ADD: Final[LiteralString] = """
INSERT INTO counter_totals (sample, labels, value)
SELECT * FROM unnest($1::text[], $2::text[], $3::float8[]) AS counted (sample, labels, value)
 ORDER BY sample, labels
ON CONFLICT (sample, labels) DO UPDATE SET value = counter_totals.value + excluded.value
"""

READ: Final[LiteralString] = "SELECT sample, labels, value FROM counter_totals"


class CounterTotals:
    """The only door to `counter_totals`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def add(self, counted: Mapping[Sample, float]) -> None:
        names = [sample.name for sample in counted]
        labels = [sample.labels for sample in counted]
        await self._pool.execute(ADD, names, labels, list(counted.values()))

    async def read(self) -> dict[Sample, float]:
        rows = await self._pool.fetch(READ)
        return {Sample(name=row["sample"], labels=row["labels"]): row["value"] for row in rows}
