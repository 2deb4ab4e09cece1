"""The house's switches. A switch is on while its row exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

AI_PAUSED: Final = "ai_paused"
#: Today's money for the model is spent: the AI answers nobody until midnight.
DAY_MONEY_SPENT: Final = "day_money_spent"

_READ: Final[LiteralString] = """
SELECT s.on_since, s.set_by, s.reason, o.id AS operator_id, o.name AS operator_name
  FROM switches s LEFT JOIN operators o ON 'operator/' || o.id = s.set_by WHERE s.name = $1"""
_ON: Final[LiteralString] = """
INSERT INTO switches (name, set_by, reason) VALUES ($1, $2, $3)
ON CONFLICT (name) DO NOTHING RETURNING name"""
_OFF: Final[LiteralString] = "DELETE FROM switches WHERE name = $1 RETURNING name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """`set_by` is `operator/<id>` or a process."""

    on_since: datetime
    set_by: str
    reason: str
    operator_id: UUID | None
    operator_name: str | None


async def find_switch(pool: asyncpg.Pool[Any], name: str) -> Switch | None:
    row = await pool.fetchrow(_READ, name)
    return None if row is None else Switch(**row)


async def switch_on(pool: asyncpg.Pool[Any], name: str, *, by: str, reason: str) -> bool:
    """False when it was on already; the first reason stays."""
    return await pool.fetchval(_ON, name, by, reason) is not None


async def switch_off(pool: asyncpg.Pool[Any], name: str) -> bool:
    return await pool.fetchval(_OFF, name) is not None
