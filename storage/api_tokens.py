"""API tokens: `vtr_` and 256 bits of chance, kept only as SHA-256; each acts as one operator."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.errors import NotFoundError
from domain.ids import OperatorId, new_id

PREFIX: Final = "vtr_"

_INSERT: Final[LiteralString] = """
INSERT INTO api_tokens (id, token_hash, operator_id, name) VALUES ($1, $2, $3, $4)"""
_FIND: Final[LiteralString] = """
SELECT t.id AS token_id, o.id, o.email, o.name, o.role
  FROM api_tokens t JOIN operators o ON o.id = t.operator_id
 WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND o.active"""
_REVOKE: Final[LiteralString] = """
UPDATE api_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id"""


async def create_api_token(
    pool: asyncpg.Pool[Any], operator_id: OperatorId, name: str
) -> tuple[UUID, str]:
    """The token's id and the token itself, which cannot be read again."""
    token_id = new_id()
    token = PREFIX + secrets.token_urlsafe(32)
    await pool.execute(_INSERT, token_id, _hash(token), operator_id, name)
    return token_id, token


async def find_api_token(pool: asyncpg.Pool[Any], token: str) -> dict[str, Any] | None:
    """`token_id` and the `id, email, name, role` of whom it acts as, while both are good."""
    row = await pool.fetchrow(_FIND, _hash(token))
    return None if row is None else dict(row)


async def revoke_api_token(pool: asyncpg.Pool[Any], token_id: UUID) -> None:
    if await pool.fetchval(_REVOKE, token_id) is None:
        raise NotFoundError("api token", str(token_id))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
