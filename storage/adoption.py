"""Events that came before we knew their number: taken in once the number is known."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, LiteralString

import asyncpg

from domain.ids import ConversationId
from domain.inbound import item_from_json
from storage.intake import Intake, Received
from storage.lines import Lines
from storage.numbers import NumberStore

# Only events whose number has become known meanwhile; the rest keep waiting.
TAKE: Final[LiteralString] = """
DELETE FROM inbound_events WHERE seq IN (
    SELECT e.seq FROM inbound_events e JOIN physical_numbers n USING (phone_number_id)
     WHERE e.worked_at IS NULL AND e.conversation_id IS NULL AND e.kind IN ('message', 'echo')
       AND e.received_at < clock_timestamp() - interval '2 seconds'
     ORDER BY e.seq LIMIT $1 FOR UPDATE OF e SKIP LOCKED)
RETURNING seq, payload, received_at
"""


# The numbers of such events, with the same condition as TAKE.
WAITING: Final[LiteralString] = """
SELECT DISTINCT e.phone_number_id FROM inbound_events e JOIN physical_numbers n USING (phone_number_id)
 WHERE e.worked_at IS NULL AND e.conversation_id IS NULL AND e.kind IN ('message', 'echo')
   AND e.received_at < clock_timestamp() - interval '2 seconds'
"""


class Adoption:
    """Stores waiting events again, now with their contact and conversation."""

    def __init__(self, pool: asyncpg.Pool, numbers: NumberStore) -> None:
        self._pool = pool
        self._lines = Lines(numbers)
        self._intake = Intake(pool, self._lines)

    async def adopt(self, *, limit: int = 100) -> list[ConversationId]:
        """The conversations that have something to work because of it."""
        waiting = await self._pool.fetch(WAITING)
        if not waiting:
            return []
        # Before the transaction: it holds a connection, and the clock may have no other.
        await self._lines.ensure({row["phone_number_id"] for row in waiting})
        async with self._pool.acquire() as db, db.transaction():
            rows = await db.fetch(TAKE, limit)
            if not rows:
                return []
            receipt = await self._intake.store_in(db, [_received(row) for row in _ordered(rows)])
        found = [e.conversation_id for e in receipt.events if e.conversation_id is not None]
        return list(dict.fromkeys(found))


def _ordered(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: row["seq"])


def _received(row: asyncpg.Record) -> Received:
    at: datetime = row["received_at"]
    return Received(body=b"", items=(item_from_json(row["payload"]),), at=at)
