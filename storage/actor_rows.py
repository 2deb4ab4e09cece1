"""What the runtime writes about itself: beats, leases, grants of own actors, shards of buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import asyncpg

from config.limits import BEAT_GAP
from domain.ids import ConversationId, new_id
from domain.ownership import Host
from routing.shards import spread

# `started_at` is since when the beats come without a gap: after a silence the process counts as new,
# because what was sent to it meanwhile has not been taken. A host without a lease was ended for good:
# its last beat may arrive after it was forgotten.
BEAT: Final[LiteralString] = """
WITH beat AS (
    INSERT INTO actor_beats
           (name, kind, actor_id, node, pid, memory_bytes, residents, resident_count, started_at)
    SELECT $1, $2, $3, $4, $5, $6, $7, $12, $8
     WHERE $2 <> ALL ($11) OR EXISTS (SELECT 1 FROM owner_leases WHERE name = $1)
    ON CONFLICT (name) DO UPDATE SET actor_id = excluded.actor_id, node = excluded.node,
        pid = excluded.pid, memory_bytes = excluded.memory_bytes, residents = excluded.residents,
        resident_count = excluded.resident_count,
        started_at = CASE WHEN actor_beats.beat_at < clock_timestamp() - $10::interval
                          THEN clock_timestamp()
                          ELSE greatest(actor_beats.started_at, excluded.started_at) END,
        beat_at = clock_timestamp()
)
SELECT count(*) + ($2 = ANY ($9))::int AS senders FROM actor_beats b
 WHERE b.name <> $1 AND b.kind = ANY ($9) AND b.beat_at > clock_timestamp() - $10::interval
"""

#: Processes that hold an owner lease while they live.
HOST_KINDS: Final = ["shared", "own"]
#: Processes that claim and send: hosts of conversations, and the sender.
SENDING_KINDS: Final = ["shared", "own", "sender"]

FORGET: Final[LiteralString] = """
WITH lease AS (DELETE FROM owner_leases WHERE name = $1) DELETE FROM actor_beats WHERE name = $1
"""

TAKE_LEASE: Final[LiteralString] = """
INSERT INTO owner_leases (name, incarnation) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, taken_at = clock_timestamp()
"""

FORGET_SILENT: Final[LiteralString] = """
DELETE FROM actor_beats WHERE beat_at < clock_timestamp() - interval '2 minutes'
"""

# Intake is healthy while some webhook replica beats; the stretch began with the oldest one alive.
INTAKE_SINCE: Final[LiteralString] = """
SELECT min(started_at) FROM actor_beats
 WHERE kind = 'webhook' AND beat_at > clock_timestamp() - $1::interval
"""

HAS_ROOM: Final[LiteralString] = "SELECT count(*) < $1 FROM own_actors"

# One grant at a time, so that the maximum is never passed. A statement of its own: the next one has to
# see what was granted while this one waited.
GRANT_ALONE: Final[LiteralString] = "SELECT pg_advisory_xact_lock(7340033)"

# None to a conversation that was merged away: it only passes its rings on.
GRANT: Final[LiteralString] = """
INSERT INTO own_actors (conversation_id, shard)
SELECT $1, $2 WHERE (SELECT count(*) FROM own_actors) < $3
   AND NOT EXISTS (SELECT 1 FROM conversations WHERE id = $1 AND merged_into IS NOT NULL)
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

LIST_OWN: Final[LiteralString] = """
SELECT conversation_id, serving FROM own_actors WHERE shard = $1
"""

OWN_SERVES: Final[LiteralString] = "SELECT serving FROM own_actors WHERE conversation_id = $1"

# The bucket may have moved since the grant.
ENTRUST: Final[LiteralString] = """
UPDATE own_actors o SET serving = true, last_turn_at = clock_timestamp(), shard = coalesce(
       (SELECT b.shard FROM conversations c JOIN shard_buckets b ON b.bucket = c.bucket
         WHERE c.id = o.conversation_id), o.shard)
 WHERE o.conversation_id = $1 RETURNING o.conversation_id
"""

RELEASE: Final[LiteralString] = "DELETE FROM own_actors WHERE conversation_id = $1"

TOUCH: Final[LiteralString] = """
UPDATE own_actors SET last_turn_at = clock_timestamp() WHERE conversation_id = $1 AND serving
RETURNING conversation_id
"""

# One transaction: from its commit on every load names the new shard, and the own actors of what moved
# belong to it. One that is still starting is left to the shard that starts it.
SPREAD_BUCKETS: Final[LiteralString] = """
WITH wanted AS (
    SELECT * FROM unnest($1::int[], $2::int[]) AS w (bucket, shard)
), moved AS (
    INSERT INTO shard_buckets (bucket, shard) SELECT bucket, shard FROM wanted
    ON CONFLICT (bucket) DO UPDATE SET shard = excluded.shard,
        generation = shard_buckets.generation + 1
     WHERE shard_buckets.shard <> excluded.shard
    RETURNING bucket
), own AS (
    UPDATE own_actors o SET shard = w.shard FROM conversations c JOIN wanted w ON w.bucket = c.bucket
     WHERE c.id = o.conversation_id AND o.serving AND o.shard <> w.shard
)
SELECT count(*) FROM moved
"""

LIST_BUCKETS: Final[LiteralString] = "SELECT bucket, shard FROM shard_buckets ORDER BY bucket"

LIST_LEASES: Final[LiteralString] = """
SELECT name FROM owner_leases WHERE taken_at < clock_timestamp() - $1::interval
"""

LIST_ALL_OWN: Final[LiteralString] = "SELECT conversation_id FROM own_actors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A sign of life. `residents`: [{id, mailbox, epoch, last_turn_at, state}] of a host.

    It lists those active last, `resident_count` counts them all.
    """

    name: str
    kind: str
    actor_id: str
    node: str
    pid: int
    memory_bytes: int
    started_at: datetime
    residents: Sequence[Mapping[str, Any]] = ()
    resident_count: int = 0


class ActorRows:
    """The runtime's own tables; nothing in them decides what is safe."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def beat(self, beat: Beat) -> int:
        """Stores the sign of life; how many processes that send messages live now, itself included."""
        senders: int = await self._pool.fetchval(
            BEAT,
            beat.name,
            beat.kind,
            beat.actor_id,
            beat.node,
            beat.pid,
            beat.memory_bytes,
            list(beat.residents),
            beat.started_at,
            SENDING_KINDS,
            BEAT_GAP,
            HOST_KINDS,
            beat.resident_count,
        )
        return senders

    async def take_lease(self, name: str, *, shard: int | None) -> Host:
        """From now on this start of the actor is the one that counts."""
        host = Host(name=name, incarnation=new_id(), shard=shard)
        await self._pool.execute(TAKE_LEASE, host.name, host.incarnation)
        return host

    async def forget(self, name: str) -> None:
        """An actor that was ended for good: its beat and its lease go."""
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
        if not await self._pool.fetchval(HAS_ROOM, maximum):
            return False  # the usual answer, without waiting for anybody
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(GRANT_ALONE)
            granted = await connection.fetchval(GRANT, conversation_id, shard, maximum)
        return granted is not None

    async def longest_idle(self, idle_for: timedelta) -> ConversationId | None:
        """The own actor that has been idle longest, at least this long."""
        found = await self._pool.fetchval(LONGEST_IDLE, idle_for)
        return None if found is None else ConversationId(found)

    async def list_idle_own(self, shard: int, idle_for: timedelta) -> list[ConversationId]:
        rows = await self._pool.fetch(LIST_IDLE, shard, idle_for)
        return [ConversationId(row["conversation_id"]) for row in rows]

    async def list_own(self, shard: int) -> dict[ConversationId, bool]:
        """The own actors of one shard's conversations, and whether each serves already."""
        rows = await self._pool.fetch(LIST_OWN, shard)
        return {ConversationId(row["conversation_id"]): row["serving"] for row in rows}

    async def own_serves(self, conversation_id: ConversationId) -> bool:
        """Whether the conversation was entrusted to its own actor."""
        return bool(await self._pool.fetchval(OWN_SERVES, conversation_id))

    async def entrust(self, conversation_id: ConversationId) -> bool:
        """From now on its own actor is the owner; False when the grant is gone."""
        return await self._pool.fetchval(ENTRUST, conversation_id) is not None

    async def touch_own(self, conversation_id: ConversationId) -> bool:
        """Notes that it is active; False when its own actor does not serve it (any more)."""
        return await self._pool.fetchval(TOUCH, conversation_id) is not None

    async def release_own(self, conversation_id: ConversationId) -> None:
        await self._pool.execute(RELEASE, conversation_id)

    async def spread_buckets(self, shards: int) -> int:
        """Shares the 1024 buckets among so many shards; how many moved, each to a new generation."""
        table = spread(shards)
        moved: int = await self._pool.fetchval(SPREAD_BUCKETS, list(range(len(table))), table)
        return moved

    async def list_buckets(self) -> list[int]:
        """The shard of each bucket, in bucket order; empty before the first deployment."""
        return [row["shard"] for row in await self._pool.fetch(LIST_BUCKETS)]

    async def list_hosts(self, *, older_than: timedelta) -> set[str]:
        """Names of the actors that took a lease so long ago and were not forgotten since."""
        return {row["name"] for row in await self._pool.fetch(LIST_LEASES, older_than)}

    async def list_all_own(self) -> list[ConversationId]:
        """Every conversation with a grant for its own actor."""
        return [
            ConversationId(row["conversation_id"]) for row in await self._pool.fetch(LIST_ALL_OWN)
        ]
