"""What the runtime writes about itself: beats of actors, grants of own actors, shards of buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import asyncpg

from config.limits import BEAT_GAP
from domain.ids import ConversationId
from routing.shards import spread

# `started_at` is since when the beats come without a gap: after a silence the process counts as new,
# because what was sent to it meanwhile has not been taken.
BEAT: Final[LiteralString] = """
INSERT INTO actor_beats (name, kind, actor_id, node, pid, memory_bytes, residents, started_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (name) DO UPDATE SET actor_id = excluded.actor_id, node = excluded.node,
    pid = excluded.pid, memory_bytes = excluded.memory_bytes, residents = excluded.residents,
    started_at = CASE WHEN actor_beats.beat_at < clock_timestamp() - $9::interval
                      THEN clock_timestamp()
                      ELSE greatest(actor_beats.started_at, excluded.started_at) END,
    beat_at = clock_timestamp()
"""

FORGET: Final[LiteralString] = "DELETE FROM actor_beats WHERE name = $1"

FORGET_SILENT: Final[LiteralString] = """
DELETE FROM actor_beats WHERE beat_at < clock_timestamp() - interval '2 minutes'
"""

# Intake is healthy while some webhook replica beats; the stretch began with the oldest one alive.
INTAKE_SINCE: Final[LiteralString] = """
SELECT min(started_at) FROM actor_beats
 WHERE kind = 'webhook' AND beat_at > clock_timestamp() - $1::interval
"""

# One grant at a time, so that the maximum is never passed. `retire` is the longest idle one, offered
# when the maximum is reached and it has not spoken for a while.
GRANT: Final[LiteralString] = """
WITH one_at_a_time AS MATERIALIZED (SELECT pg_advisory_xact_lock(7340033)), taken AS MATERIALIZED (
    SELECT count(*) AS n FROM own_actors, one_at_a_time
)
INSERT INTO own_actors (conversation_id, shard)
SELECT $1, $2 FROM taken WHERE taken.n < $3
ON CONFLICT (conversation_id) DO UPDATE SET shard = excluded.shard
RETURNING conversation_id
"""

LONGEST_IDLE: Final[LiteralString] = """
SELECT conversation_id FROM own_actors
 WHERE last_turn_at < clock_timestamp() - $1::interval ORDER BY last_turn_at LIMIT 1
"""

LIST_IDLE: Final[LiteralString] = """
SELECT conversation_id FROM own_actors
 WHERE shard = $1 AND last_turn_at < clock_timestamp() - $2::interval ORDER BY last_turn_at
"""

LIST_OWN: Final[LiteralString] = "SELECT conversation_id, shard FROM own_actors"
RELEASE: Final[LiteralString] = "DELETE FROM own_actors WHERE conversation_id = $1"
TOUCH: Final[LiteralString] = """
UPDATE own_actors SET last_turn_at = clock_timestamp() WHERE conversation_id = $1
"""

SEED_BUCKETS: Final[LiteralString] = """
INSERT INTO shard_buckets (bucket, shard) SELECT * FROM unnest($1::int[], $2::int[])
ON CONFLICT (bucket) DO UPDATE SET shard = excluded.shard, generation = shard_buckets.generation + 1
    WHERE shard_buckets.shard <> excluded.shard
"""

LIST_BUCKETS: Final[LiteralString] = "SELECT bucket, shard FROM shard_buckets ORDER BY bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life. `residents`: [{id, mailbox, epoch, last_turn_at, state}] of a host."""

    name: str
    kind: str
    actor_id: str
    node: str
    pid: int
    memory_bytes: int
    started_at: datetime
    residents: Sequence[Mapping[str, Any]] = ()


class ActorRows:
    """The runtime's own tables; nothing in them decides what is safe."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def beat(self, beat: Beat) -> None:
        await self._pool.execute(
            BEAT,
            beat.name,
            beat.kind,
            beat.actor_id,
            beat.node,
            beat.pid,
            beat.memory_bytes,
            list(beat.residents),
            beat.started_at,
            BEAT_GAP,
        )

    async def forget(self, name: str) -> None:
        await self._pool.execute(FORGET, name)

    async def forget_silent(self) -> None:
        """Drops the beats of actors that are gone; a live one beats every few seconds."""
        await self._pool.execute(FORGET_SILENT)

    async def healthy_since(self) -> datetime | None:
        """Since when webhooks have been received without interruption; None: they are not."""
        since: datetime | None = await self._pool.fetchval(INTAKE_SINCE, BEAT_GAP)
        return since

    async def grant_own(self, conversation_id: ConversationId, shard: int, maximum: int) -> bool:
        """Whether this conversation may have its own Ray actor now."""
        return await self._pool.fetchval(GRANT, conversation_id, shard, maximum) is not None

    async def longest_idle(self, idle_for: timedelta) -> ConversationId | None:
        """The own actor that has been idle longest, at least this long."""
        found = await self._pool.fetchval(LONGEST_IDLE, idle_for)
        return None if found is None else ConversationId(found)

    async def list_idle_own(self, shard: int, idle_for: timedelta) -> list[ConversationId]:
        rows = await self._pool.fetch(LIST_IDLE, shard, idle_for)
        return [ConversationId(row["conversation_id"]) for row in rows]

    async def list_own(self) -> dict[ConversationId, int]:
        rows = await self._pool.fetch(LIST_OWN)
        return {ConversationId(row["conversation_id"]): row["shard"] for row in rows}

    async def touch_own(self, conversation_id: ConversationId) -> None:
        await self._pool.execute(TOUCH, conversation_id)

    async def release_own(self, conversation_id: ConversationId) -> None:
        await self._pool.execute(RELEASE, conversation_id)

    async def spread_buckets(self, shards: int) -> None:
        """Shares the 1024 buckets among so many shards; what does not move keeps its generation."""
        table = spread(shards)
        await self._pool.execute(SEED_BUCKETS, list(range(len(table))), table)

    async def list_buckets(self) -> list[int]:
        """The shard of each bucket, in bucket order; empty before the first deployment."""
        return [row["shard"] for row in await self._pool.fetch(LIST_BUCKETS)]
