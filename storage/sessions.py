"""Sessions as families of refresh tokens: each is good once, and its second use ends the family."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.ids import OperatorId, new_id

REFRESH_LIFE: Final = timedelta(days=30)

_INSERT: Final[LiteralString] = """
INSERT INTO refresh_tokens (token_hash, family_id, operator_id, expires_at)
VALUES ($1, $2, $3, now() + $4)"""
_LOCK: Final[LiteralString] = """
SELECT t.family_id, t.operator_id, t.used_at, t.revoked_at IS NOT NULL AS revoked,
       t.expires_at <= now() AS expired, o.active
  FROM refresh_tokens t JOIN operators o ON o.id = t.operator_id
 WHERE t.token_hash = $1 FOR UPDATE OF t"""
_USE: Final[LiteralString] = "UPDATE refresh_tokens SET used_at = now() WHERE token_hash = $1"
_REVOKE: Final[LiteralString] = """
UPDATE refresh_tokens SET revoked_at = now() WHERE family_id = $1 AND revoked_at IS NULL"""
_REVOKE_OTHERS: Final[LiteralString] = """
UPDATE refresh_tokens SET revoked_at = now()
 WHERE operator_id = $1 AND family_id IS DISTINCT FROM $2 AND revoked_at IS NULL"""
_END: Final[LiteralString] = """
UPDATE refresh_tokens SET revoked_at = now()
 WHERE family_id = (SELECT family_id FROM refresh_tokens WHERE token_hash = $1) AND revoked_at IS NULL
RETURNING operator_id"""
_STANDS: Final[LiteralString] = """
SELECT o.id, o.email, o.name, o.role
  FROM operators o
 WHERE o.id = $1 AND o.active
   AND EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.family_id = $2 AND t.operator_id = o.id
                  AND t.used_at IS NULL AND t.revoked_at IS NULL AND t.expires_at > now())"""


class RefreshVerdict(StrEnum):
    ROTATED = "rotated"
    UNKNOWN = "unknown"
    #: It was used before: somebody holds a copy, so the whole family was revoked.
    REUSED = "reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`refresh_token` is shown once and stored only as its SHA-256."""

    family_id: UUID
    operator_id: OperatorId
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    verdict: RefreshVerdict
    session: Session | None = None
    operator_id: OperatorId | None = None


async def open_session(pool: asyncpg.Pool[Any], operator_id: OperatorId) -> Session:
    family_id = new_id()
    async with pool.acquire() as connection:
        token = await _issue(connection, family_id, operator_id)
    return Session(family_id=family_id, operator_id=operator_id, refresh_token=token)


async def refresh_session(pool: asyncpg.Pool[Any], refresh_token: str) -> Refreshed:
    """Trades a token for the next of its family. Two at once: the second counts as reuse."""
    hashed = _hash(refresh_token)
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(_LOCK, hashed)
        if row is None or row["revoked"] or row["expired"] or not row["active"]:
            return Refreshed(verdict=RefreshVerdict.UNKNOWN)
        operator_id = OperatorId(row["operator_id"])
        if row["used_at"] is not None:
            await connection.execute(_REVOKE, row["family_id"])
            return Refreshed(verdict=RefreshVerdict.REUSED, operator_id=operator_id)
        await connection.execute(_USE, hashed)
        token = await _issue(connection, row["family_id"], operator_id)
    session = Session(family_id=row["family_id"], operator_id=operator_id, refresh_token=token)
    return Refreshed(verdict=RefreshVerdict.ROTATED, session=session, operator_id=operator_id)


async def close_session(pool: asyncpg.Pool[Any], refresh_token: str) -> OperatorId | None:
    """Ends the family; who it was, or None when there was nothing to end."""
    found: UUID | None = await pool.fetchval(_END, _hash(refresh_token))
    return None if found is None else OperatorId(found)


async def close_other_sessions(
    pool: asyncpg.Pool[Any], operator_id: OperatorId, keep: UUID | None
) -> None:
    """After a change of password whoever knew the old one is out; `keep` is the caller's family."""
    await pool.execute(_REVOKE_OTHERS, operator_id, keep)


async def find_session_operator(
    pool: asyncpg.Pool[Any], operator_id: OperatorId, family_id: UUID
) -> dict[str, Any] | None:
    """`id, email, name, role` while the operator is active and the family stands."""
    row = await pool.fetchrow(_STANDS, operator_id, family_id)
    return None if row is None else dict(row)


async def _issue(connection: Any, family_id: UUID, operator_id: OperatorId) -> str:
    token = secrets.token_urlsafe(32)
    await connection.execute(_INSERT, _hash(token), family_id, operator_id, REFRESH_LIFE)
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
