"""What runs now, by what the actors themselves report."""

from __future__ import annotations

from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from config.limits import BEAT_GAP

_ACTORS: Final[LiteralString] = """
SELECT name, kind, actor_id, node, pid, memory_bytes, residents, resident_count, started_at, beat_at
  FROM actor_beats WHERE beat_at > now() - $1::interval ORDER BY kind, name LIMIT 2000"""
_OF_CONVERSATION: Final[LiteralString] = """
SELECT name, kind, actor_id, node, pid, residents, beat_at FROM actor_beats
 WHERE beat_at > now() - $2::interval
   AND residents @> jsonb_build_array(jsonb_build_object('id', $1::uuid))
 ORDER BY (kind = 'own') DESC, beat_at DESC LIMIT 1"""
_SHARDS: Final[LiteralString] = """
SELECT (SELECT count(DISTINCT shard) FROM shard_buckets) AS wanted,
       (SELECT count(*) FROM actor_beats
         WHERE kind = 'shared' AND beat_at > now() - $1::interval) AS beating"""


class HouseReads:
    """Reads `actor_beats`; its `residents`, those active last, are [{id, mailbox, epoch, last_turn_at, state}]."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def list_actors(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._pool.fetch(_ACTORS, BEAT_GAP)]

    async def find_actor_of(self, conversation_id: UUID) -> dict[str, Any] | None:
        """The actor that hosts the conversation now, with its own entry as `resident`."""
        row = await self._pool.fetchrow(_OF_CONVERSATION, conversation_id, BEAT_GAP)
        if row is None:
            return None
        mine = str(conversation_id)
        resident: dict[str, Any] = next((r for r in row["residents"] if r.get("id") == mine), {})
        return {**dict(row), "resident": resident}

    async def count_shards(self) -> tuple[int, int]:
        """(shards there should be, shards that report)."""
        row = await self._pool.fetchrow(_SHARDS, BEAT_GAP)
        return (0, 0) if row is None else (int(row["wanted"]), int(row["beating"]))
