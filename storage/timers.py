"""Timers as rows. Firing is one transaction: the timer goes, an inbox event comes, once."""

from __future__ import annotations

from typing import Final, LiteralString

import asyncpg

from domain.ids import ConversationId

FIRE: Final[LiteralString] = """
WITH due AS (
    DELETE FROM timers WHERE id IN (
        SELECT id FROM timers WHERE due_at <= clock_timestamp()
         ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id, conversation_id, kind, key, payload, due_at
)
INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, payload, sent_at)
SELECT gen_random_uuid(), 'timer:' || id, 'timer', conversation_id,
       payload || jsonb_build_object('timer', kind, 'key', key), due_at FROM due
ON CONFLICT (dedupe_key) DO NOTHING RETURNING conversation_id AS id
"""


class TimerStore:
    """Two clocks firing at once are harmless: a timer is taken by one of them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def fire_due(self, *, limit: int = 200) -> list[ConversationId]:
        """The conversations that have a new event because a timer of theirs was due."""
        rows = await self._pool.fetch(FIRE, limit)
        return [ConversationId(row["id"]) for row in rows]
