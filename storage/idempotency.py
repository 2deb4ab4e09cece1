"""Answers kept under the caller's key: the same write twice is carried out once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, LiteralString

import asyncpg

from domain.ids import OperatorId

_BEGIN: Final[LiteralString] = """
INSERT INTO idempotency_keys (operator_id, key, request_hash) VALUES ($1, $2, $3)
ON CONFLICT (operator_id, key) DO NOTHING RETURNING key"""
_READ: Final[LiteralString] = """
SELECT request_hash, status, response FROM idempotency_keys WHERE operator_id = $1 AND key = $2"""
_FINISH: Final[LiteralString] = """
UPDATE idempotency_keys SET status = $3, response = $4 WHERE operator_id = $1 AND key = $2"""
_FORGET: Final[LiteralString] = """
DELETE FROM idempotency_keys WHERE operator_id = $1 AND key = $2 AND status IS NULL"""
_SWEEP: Final[LiteralString] = (
    "DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'"
)


class Standing(StrEnum):
    #: The key is new: carry the write out, then `finish` (or `forget`).
    NEW = "new"
    DONE = "done"
    #: The first request with this key has not answered; its outcome is not known here.
    RUNNING = "running"
    OTHER_BODY = "other_body"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    standing: Standing
    status: int = 0
    response: Any = None


class IdempotencyKeys:
    """Keys are each operator's own and are kept for a day."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def begin(self, operator_id: OperatorId, key: str, request_hash: bytes) -> KeyState:
        if await self._pool.fetchval(_BEGIN, operator_id, key, request_hash) is not None:
            return KeyState(standing=Standing.NEW)
        row = await self._pool.fetchrow(_READ, operator_id, key)
        if row is None or row["status"] is None:
            same = row is None or row["request_hash"] == request_hash
            return KeyState(standing=Standing.RUNNING if same else Standing.OTHER_BODY)
        if row["request_hash"] != request_hash:
            return KeyState(standing=Standing.OTHER_BODY)
        return KeyState(standing=Standing.DONE, status=row["status"], response=row["response"])

    async def finish(self, operator_id: OperatorId, key: str, status: int, response: Any) -> None:
        await self._pool.execute(_FINISH, operator_id, key, status, response)

    async def forget(self, operator_id: OperatorId, key: str) -> None:
        """The write did not happen; the key may be used again."""
        await self._pool.execute(_FORGET, operator_id, key)

    async def sweep(self) -> None:
        """Removes what is older than a day."""
        await self._pool.execute(_SWEEP)
