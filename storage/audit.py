"""The audit log: who did or read what, as a chain in which a removed or altered line shows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from domain.storable import storable, storable_text
from telemetry.tasks import start

_APPEND: Final[LiteralString] = "SELECT audit_append_v1($1, $2, $3, $4, $5)"
# Each line after $1 against the hash of the one before it, the first of all against the empty start,
# and the last against the head. `should` is the hash by what the line says and its neighbour.
_BREAKS: Final[LiteralString] = """
WITH chain AS (
    SELECT seq, hash,
           coalesce(lag(seq) OVER (ORDER BY seq), $1::bigint) AS seq_before,
           audit_hash_v1(coalesce(lag(hash) OVER (ORDER BY seq), ''::bytea),
                         seq, at, actor, action, target, details) AS should
      FROM audit WHERE seq >= $1::bigint
), tail AS (
    SELECT coalesce(max(seq), 0) AS seq FROM audit
)
SELECT seq_before + 1 AS seq, 'missing' AS what, seq - seq_before - 1 AS lines FROM chain
 WHERE seq > $1::bigint AND seq <> seq_before + 1
UNION ALL
SELECT seq, 'altered', 1 FROM chain
 WHERE seq > $1::bigint AND seq = seq_before + 1 AND hash <> should
UNION ALL
SELECT tail.seq + 1, 'missing', head.seq - tail.seq FROM tail, audit_head head WHERE head.seq > tail.seq
UNION ALL
SELECT head.seq + 1, 'added', tail.seq - head.seq FROM tail, audit_head head WHERE head.seq < tail.seq
UNION ALL
SELECT head.seq, 'altered', 1 FROM audit_head head JOIN audit a ON a.seq = head.seq WHERE a.hash <> head.hash
ORDER BY 1
LIMIT 1000"""
_HEAD: Final[LiteralString] = "SELECT coalesce((SELECT seq FROM audit_head), 0)"

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"
_LAST: Final[LiteralString] = "SELECT seq FROM audit_head"
# Backwards from $1, of the target $2, of the actor $3; $4 lines. Each condition only where it is
# asked for, so that one target goes by its index; one actor is found on the way back.
_PAGE: Final[LiteralString] = """
SELECT seq, at, actor, action, target, details FROM audit
 WHERE seq < $1 AND $2::text IS NOT DISTINCT FROM $2 AND $3::text IS NOT DISTINCT FROM $3"""
_OF_TARGET: Final[LiteralString] = " AND target = $2"
_OF_ACTOR: Final[LiteralString] = " AND actor = $3"
_END: Final[LiteralString] = " ORDER BY seq DESC LIMIT $4"

PAGE_MAX: Final = 200
_BEYOND: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """Not yet stored. `actor` is `operator/<id>`, `token/<id>` or a process; `target` `<kind>/<id>`.

    Details hold ids and choices, never message text, phones or names.
    """

    at: datetime
    actor: str
    action: str
    target: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLine(AuditLine):
    """`seq` counts from 1 without a gap."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBreak:
    """The chain does not hold from `seq` on: `lines` lines are missing, altered or added there."""

    seq: int
    what: str
    lines: int


async def append(connection: Connection, lines: Sequence[AuditLine]) -> None:
    """Appends in the caller's transaction. Other writers wait until it ends: append last."""
    for line in lines:
        await connection.execute(
            _APPEND, line.at, storable_text(line.actor), storable_text(line.action),
            storable_text(line.target), storable(dict(line.details)),
        )  # fmt: skip


async def verify(pool: asyncpg.Pool[Any]) -> tuple[AuditBreak, ...]:
    """Where the chain is broken; empty when every line stands as it was written."""
    async with pool.acquire() as connection:
        return await list_breaks(connection)


async def list_breaks(connection: Connection, *, last: int | None = None) -> tuple[AuditBreak, ...]:
    """The same for the `last` lines only, the one before them taken as it is; None: the whole chain."""
    before = 0 if last is None else max(await connection.fetchval(_HEAD) - last, 0)
    rows = await connection.fetch(_BREAKS, before, timeout=600)
    return tuple(AuditBreak(seq=r["seq"], what=r["what"], lines=r["lines"]) for r in rows)


async def find_last(pool: asyncpg.Pool[Any]) -> int:
    """How many lines were ever written."""
    last: int = await pool.fetchval(_LAST)
    return last


async def list_lines(
    pool: asyncpg.Pool[Any],
    *,
    limit: int,
    before: int | None = None,
    target: str | None = None,
    actor: str | None = None,
) -> tuple[StoredLine, ...]:
    """The newest lines first, those with a `seq` below `before`, of one target or of one actor."""
    sql: LiteralString = _PAGE
    if target is not None:
        sql += _OF_TARGET
    if actor is not None:
        sql += _OF_ACTOR
    rows = await pool.fetch(
        sql + _END, before or _BEYOND, _storable(target), _storable(actor), limit
    )
    return tuple(StoredLine(**row) for row in rows)


class AuditLog:
    """Stores lines of many requests together: what comes while a batch is being written is the next.

    `record` returns after the line is stored, so nothing is answered that is not in the log.
    """

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._waiting: list[tuple[AuditLine, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[Any] | None = None

    async def record(self, line: AuditLine) -> None:
        """Raises what the database raised when the line could not be stored."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line, stored))
        if self._writer is None or self._writer.done():
            self._writer = start(self._write(), name="audit writer")
        await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:100], self._waiting[100:]
            failure: BaseException | None = None
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    await append(connection, [line for line, _ in batch])
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                failure = error
            for _, stored in batch:
                if stored.done():
                    continue
                if failure is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(failure)


def _storable(text: str | None) -> str | None:
    return None if text is None else storable_text(text)
