"""The people of the house who sign in, and their passwords."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from domain.errors import InvalidInputError, NotFoundError, RejectedError
from domain.ids import OperatorId, new_id

_BY_EMAIL: Final[LiteralString] = """
SELECT id, email, name, role, active, password_is_initial, password_hash,
       coalesce(online_until > now(), false) AS online
  FROM operators WHERE lower(email) = lower($1)"""
_BY_ID: Final[LiteralString] = """
SELECT id, email, name, role, active, password_is_initial, password_hash,
       coalesce(online_until > now(), false) AS online FROM operators WHERE id = $1"""
_LIST: Final[LiteralString] = """
SELECT id, email, name, role, active, password_is_initial,
       coalesce(online_until > now(), false) AS online
  FROM operators ORDER BY active DESC, name, id LIMIT 1000"""
_INSERT: Final[LiteralString] = """
INSERT INTO operators (id, email, name, role, password_hash, password_is_initial)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (lower(email)) DO NOTHING RETURNING id"""
_CHANGE: Final[LiteralString] = """
UPDATE operators SET password_hash = $2, password_is_initial = $3 WHERE id = $1"""
_RENEW: Final[LiteralString] = """
UPDATE operators SET password_hash = $2 WHERE id = $1 AND password_is_initial"""
_REHASH: Final[LiteralString] = (
    "UPDATE operators SET password_hash = $2 WHERE id = $1 AND password_hash = $3"
)
_HAS_SUPERVISOR: Final[LiteralString] = (
    "SELECT EXISTS (SELECT 1 FROM operators WHERE role = 'supervisor' AND active)"
)
# Two supervisors who retire each other at once must not both succeed.
_LOCK_SUPERVISORS: Final[LiteralString] = (
    "SELECT id FROM operators WHERE role = 'supervisor' AND active ORDER BY id FOR UPDATE"
)
_UPDATE: Final[LiteralString] = """
UPDATE operators SET name = coalesce($2, name), role = coalesce($3, role),
       active = coalesce($4, active),
       online_until = CASE WHEN $4 IS FALSE THEN NULL ELSE online_until END
 WHERE id = $1
RETURNING id, email, name, role, active, password_is_initial,
          coalesce(online_until > now(), false) AS online"""
_SEEN: Final[LiteralString] = """
UPDATE operators SET online_until = now() + interval '2 minutes'
 WHERE id = $1 AND (online_until IS NULL OR online_until < now() + interval '1 minute')"""

PASSWORD_MIN: Final = 10
PASSWORD_MAX: Final = 1024  # hashing is dear on purpose; nobody's password is longer

_hasher: Final = PasswordHasher()
# Each hash takes 64 MiB and a core for tens of milliseconds: a crowd at the door must not take all.
_hashing: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


class Role(StrEnum):
    SUPERVISOR = "supervisor"
    VENDOR = "vendor"
    AGENT = "agent"


class Seeded(StrEnum):
    CREATED = "created"
    #: The first password, never changed by its owner, now is the given one.
    RENEWED = "renewed"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    id: OperatorId
    email: str
    name: str
    role: Role
    active: bool
    password_is_initial: bool
    online: bool


async def find_operator(pool: asyncpg.Pool[Any], operator_id: OperatorId) -> Operator | None:
    row = await pool.fetchrow(_BY_ID, operator_id)
    return None if row is None else _operator(row)


async def find_operator_by_email(pool: asyncpg.Pool[Any], email: str) -> Operator | None:
    row = await pool.fetchrow(_BY_EMAIL, email.strip())
    return None if row is None else _operator(row)


async def list_operators(pool: asyncpg.Pool[Any]) -> tuple[Operator, ...]:
    return tuple(_operator(row) for row in await pool.fetch(_LIST))


async def find_by_password(pool: asyncpg.Pool[Any], email: str, password: str) -> Operator | None:
    """The active operator with this e-mail and password; as slow for an unknown e-mail."""
    row = await pool.fetchrow(_BY_EMAIL, email)
    right = await _verify(row["password_hash"] if row else None, password)
    if row is None or not right or not row["active"]:
        return None
    if _hasher.check_needs_rehash(row["password_hash"]):
        await pool.execute(_REHASH, row["id"], await hash_password(password), row["password_hash"])
    return _operator(row)


async def create_operator(
    pool: asyncpg.Pool[Any],
    *,
    email: str,
    name: str,
    role: Role,
    password: str,
    password_is_initial: bool = False,
) -> OperatorId:
    """Raises InvalidInputError for a short password or an e-mail somebody has already."""
    check_password(password)
    hashed = await hash_password(password)
    made: UUID | None = await pool.fetchval(
        _INSERT, new_id(), email.strip(), name, role.value, hashed, password_is_initial
    )
    if made is None:
        raise InvalidInputError("email", "somebody has this e-mail already")
    return OperatorId(made)


async def change_operator(
    pool: asyncpg.Pool[Any],
    operator_id: OperatorId,
    *,
    name: str | None = None,
    role: Role | None = None,
    active: bool | None = None,
) -> Operator:
    """Changes what is given. Somebody inactive is out of every session at once.

    Raises NotFoundError, or RejectedError for the last active supervisor.
    """
    async with pool.acquire() as connection, connection.transaction():
        supervisors = {row["id"] for row in await connection.fetch(_LOCK_SUPERVISORS)}
        retires = active is False or role not in {None, Role.SUPERVISOR}
        if retires and supervisors == {operator_id}:
            raise RejectedError(
                "Esta é a última pessoa com perfil de supervisão; dê o perfil a outra antes."
            )
        row = await connection.fetchrow(
            _UPDATE, operator_id, name, None if role is None else role.value, active
        )
    if row is None:
        raise NotFoundError("operator", str(operator_id))
    return _operator(row)


async def has_password(pool: asyncpg.Pool[Any], operator_id: OperatorId, password: str) -> bool:
    row = await pool.fetchrow(_BY_ID, operator_id)
    return await _verify(row["password_hash"] if row else None, password)


async def set_password(
    pool: asyncpg.Pool[Any], operator_id: OperatorId, password: str, *, initial: bool = False
) -> None:
    """`initial`: somebody else chose it. Raises InvalidInputError for a short password."""
    check_password(password)
    await pool.execute(_CHANGE, operator_id, await hash_password(password), initial)


async def seed_admin(pool: asyncpg.Pool[Any], email: str, password: str) -> Seeded:
    """Makes the first supervisor; safe to call at every start.

    A password nobody changed since follows the setting; one that was changed is never touched, and
    with another supervisor there is nothing to do.
    """
    row = await pool.fetchrow(_BY_EMAIL, email)
    if row is not None:
        if not row["password_is_initial"] or await _verify(row["password_hash"], password):
            return Seeded.KEPT
        await pool.execute(_RENEW, row["id"], await hash_password(password))
        return Seeded.RENEWED
    if await pool.fetchval(_HAS_SUPERVISOR):
        return Seeded.KEPT
    hashed = await hash_password(password)
    role, initial = Role.SUPERVISOR.value, True
    made = await pool.fetchval(
        _INSERT, new_id(), email.strip(), email.split("@", 1)[0], role, hashed, initial
    )
    return Seeded.KEPT if made is None else Seeded.CREATED


async def mark_online(pool: asyncpg.Pool[Any], operator_id: OperatorId) -> None:
    """Somebody is at the screen: online for the next two minutes."""
    await pool.execute(_SEEN, operator_id)


def check_password(password: str) -> None:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        raise InvalidInputError(
            "password", f"must have {PASSWORD_MIN} to {PASSWORD_MAX} characters"
        )


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, password)


async def _verify(hashed: str | None, password: str) -> bool:
    """A stranger's e-mail (`hashed` is None) costs the same time as a known one."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _check, hashed, password)


def _check(hashed: str | None, password: str) -> bool:
    """Raises VerificationError when the hash could not be computed: no wrong password is told then."""
    try:
        _hasher.verify(hashed or _hash_of_nobody(), password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return hashed is not None


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody has this password")


def _operator(row: Any) -> Operator:
    return Operator(
        id=OperatorId(row["id"]),
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        active=row["active"],
        password_is_initial=row["password_is_initial"],
        online=row["online"],
    )
