"""Events that came before we knew their number: taken in once the number is known."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import asyncpg
import structlog

from domain.doorbell import Ring
from domain.inbound import item_from_json
from storage.intake import Intake
from storage.lines import Lines
from storage.numbers import NumberStore
from storage.pool import AWAY
from storage.receipts import Receipt, Received

log = structlog.get_logger()

# Only events whose number has become known meanwhile; the rest keep waiting.
LIST_WAITING: Final[LiteralString] = """
SELECT e.seq, e.phone_number_id FROM inbound_events e JOIN physical_numbers n USING (phone_number_id)
 WHERE e.worked_at IS NULL AND e.conversation_id IS NULL AND e.kind IN ('message', 'echo', 'identity')
   AND e.received_at < clock_timestamp() - interval '2 seconds'
 ORDER BY e.seq LIMIT $1
"""

TAKE: Final[LiteralString] = """
DELETE FROM inbound_events WHERE seq = (
    SELECT seq FROM inbound_events WHERE seq = $1 AND worked_at IS NULL FOR UPDATE SKIP LOCKED)
RETURNING payload, body_id, received_at
"""

GIVE_UP: Final[LiteralString] = """
UPDATE inbound_events SET worked_at = clock_timestamp(), outcome = 'not_adopted'
 WHERE seq = $1 AND worked_at IS NULL
"""


class Adoption:
    """Stores waiting events again, now with their contact and conversation."""

    def __init__(self, pool: asyncpg.Pool, numbers: NumberStore) -> None:
        self._pool = pool
        self._lines = Lines(numbers)
        self._intake = Intake(pool, self._lines)

    async def adopt(self, *, limit: int = 100) -> list[Ring]:
        """What to ring because of it, in order of arrival. Raises one of AWAY.

        Each event is its own transaction: one that cannot be stored is given up and holds up no other.
        """
        rings: list[Ring] = []
        waiting = await self._pool.fetch(LIST_WAITING, limit)
        # Before the transactions: each holds a connection, and its owner may have no other.
        await self._lines.ensure({row["phone_number_id"] for row in waiting})
        for row in waiting:
            try:
                receipt = await self._adopt(row["seq"])
            except AWAY:
                raise
            except Exception:
                log.exception("adoption.refused", seq=row["seq"])
                await self._pool.execute(GIVE_UP, row["seq"])
            else:
                rings += receipt.rings
        return rings

    async def _adopt(self, seq: int) -> Receipt:
        async with self._pool.acquire() as db, db.transaction():
            row = await db.fetchrow(TAKE, seq)
            if row is None:  # another clock was faster
                return Receipt()
            return await self._intake.store_in(db, [_received(row)])


def _received(row: asyncpg.Record) -> Received:
    payload: dict[str, Any] = row["payload"]
    return Received(
        body=None,
        body_id=row["body_id"],
        items=(item_from_json(payload),),
        at=row["received_at"],
    )
