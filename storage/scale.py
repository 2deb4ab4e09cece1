"""What people want of each part: a wish is a row, and who carries it out says so in the same row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, LiteralString

import asyncpg

from domain.scale import Part, Scale

SEED: Final[LiteralString] = """
INSERT INTO scale (part, wanted) SELECT * FROM unnest($1::text[], $2::int[])
ON CONFLICT (part) DO NOTHING
"""
LIST: Final[LiteralString] = "SELECT part, wanted, rollout, generation, settled FROM scale"
WANT: Final[LiteralString] = """
UPDATE scale SET wanted = $2, generation = generation + (wanted <> $2)::int WHERE part = $1
RETURNING part, wanted, rollout, generation, settled
"""
ROLL: Final[LiteralString] = """
UPDATE scale SET rollout = rollout + 1, generation = generation + 1 WHERE part = $1
RETURNING part, wanted, rollout, generation, settled
"""
SETTLE: Final[LiteralString] = """
UPDATE scale SET settled = greatest(settled, $2) WHERE part = $1
"""


class ScaleStore:
    """The rows of `scale`; there is one for every part after the first deployment."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def seed(self, counts: Mapping[Part, int]) -> None:
        """Settings speak once; afterwards `vitrine scale` does."""
        await self._pool.execute(SEED, list(counts), list(counts.values()))

    async def list_parts(self) -> dict[Part, Scale]:
        return {(scale := _scale(row)).part: scale for row in await self._pool.fetch(LIST)}

    async def want(self, part: Part, count: int) -> Scale:
        """From now on so many are wanted."""
        return _scale(await self._pool.fetchrow(WANT, part, count))

    async def roll(self, part: Part) -> Scale:
        """Its processes are to be replaced by new ones."""
        return _scale(await self._pool.fetchrow(ROLL, part))

    async def settle(self, scale: Scale) -> None:
        """This wish was carried out; a newer one stays open."""
        await self._pool.execute(SETTLE, scale.part, scale.generation)


def _scale(row: asyncpg.Record | None) -> Scale:
    assert row is not None  # noqa: S101 - the start seeds every part
    return Scale(**{**dict(row), "part": Part(row["part"])})
