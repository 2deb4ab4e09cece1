"""The physical numbers as supervisors see them, and the two switches they have."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import asyncpg

from domain.errors import NotFoundError, RejectedError
from domain.ids import OperatorId, PhysicalNumberId

_LIST: Final[LiteralString] = """
SELECT n.phone_number_id, n.display_phone, n.verified_name, f.id AS facade_id, f.name AS facade_name,
       n.traffic_classes, n.state, n.health, n.health_reason, n.health_since, n.quality,
       n.messaging_limit, n.messages_per_second, n.quarantined_until,
       (SELECT count(*) FROM send_attempts a WHERE a.phone_number_id = n.phone_number_id
           AND a.claimed_at > now() - interval '1 minute' AND a.outcome = 'accepted') AS sent_last_minute,
       (SELECT count(*) FROM send_attempts a WHERE a.phone_number_id = n.phone_number_id
           AND a.claimed_at > now() - interval '1 hour'
           AND a.outcome IN ('rejected', 'unknown')) AS errors_last_hour,
       (SELECT count(*) FROM service_windows w WHERE w.phone_number_id = n.phone_number_id
           AND w.open_until > now()) AS open_threads
  FROM physical_numbers n JOIN facades f ON f.id = n.facade_id
 ORDER BY f.name, n.is_facade DESC, n.display_phone LIMIT 500"""
# Only the wish: what the pool judged stays, and the number's state follows from both.
_DRAIN: Final[LiteralString] = """
UPDATE physical_numbers SET wish = 'draining', updated_at = now(),
       state = CASE WHEN state = 'quarantined' THEN state ELSE 'draining' END
 WHERE phone_number_id = $1 AND wish <> 'disabled' RETURNING wish"""
# A person says that it may send: its quarantine and its account's standing end, and earlier refusals
# are forgiven. What Meta says next counts again.
_ACTIVATE: Final[LiteralString] = """
WITH activated AS (
    UPDATE physical_numbers SET wish = 'active', state = 'active', activated_at = clock_timestamp(),
           health = CASE WHEN health IN ('paused', 'banned') THEN 'healthy' ELSE health END,
           health_reason = CASE WHEN health IN ('paused', 'banned') THEN '' ELSE health_reason END,
           quarantined_until = NULL, updated_at = now()
     WHERE phone_number_id = $1 AND wish <> 'disabled' RETURNING account_id, wish
), trusted AS (
    UPDATE accounts a SET standing = 'good', standing_reason = '', standing_until = NULL,
           standing_at = clock_timestamp()
      FROM activated WHERE a.id = activated.account_id AND a.standing <> 'good'
)
SELECT wish FROM activated"""
_EXISTS: Final[LiteralString] = "SELECT 1 FROM physical_numbers WHERE phone_number_id = $1"


async def list_numbers(pool: asyncpg.Pool[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in await pool.fetch(_LIST)]


class StoredNumbersControl:
    """Writes the wish; the number pool reads it there. Raises NotFoundError, RejectedError."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def drain(self, phone_number_id: PhysicalNumberId, _operator_id: OperatorId) -> None:
        """No new thread leaves by it; those it has stay."""
        await self._wish(_DRAIN, phone_number_id)

    async def activate(self, phone_number_id: PhysicalNumberId, _operator_id: OperatorId) -> None:
        """It may send again, whatever stopped it or its account until now."""
        await self._wish(_ACTIVATE, phone_number_id)

    async def _wish(self, statement: LiteralString, phone_number_id: PhysicalNumberId) -> None:
        if await self._pool.fetchval(statement, phone_number_id) is not None:
            return
        if await self._pool.fetchval(_EXISTS, phone_number_id) is None:
            raise NotFoundError("number", phone_number_id)
        raise RejectedError("this number is disabled; enable it at Meta and in the settings first")
