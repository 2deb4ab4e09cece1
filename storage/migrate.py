"""Brings a database to the schema this code was written for, one numbered step at a time.

`pre` steps are safe while the code before them still runs, `post` steps come after it is gone. An
applied file is never edited: its hash is kept, and a file that no longer fits it stops the start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, LiteralString

import asyncpg
from typing_extensions import override

from domain.errors import DefectError, RejectedError, TransientError

MIGRATIONS: Final = Path(__file__).parent / "migrations"

#: The number of the newest step this code knows. Raised with every step.
SCHEMA_VERSION: Final = 9
#: The oldest SCHEMA_VERSION whose code may run against the schema made here. A step that breaks
#: older code raises it.
SCHEMA_COMPAT_VERSION: Final = 3

# Any number; the same for every Vitrine process, so that two migrators wait for each other.
_LOCK_KEY: Final = 0x7669_7472
_NAME: Final = re.compile(
    r"(?P<number>\d{4})_(?P<phase>pre|post)_(?P<name>[a-z0-9]+(_[a-z0-9]+)*)\.sql"
)

_CREATE_LEDGER: Final[LiteralString] = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    phase text NOT NULL CHECK (phase IN ('pre', 'post')),
    name text NOT NULL,
    sha256 bytea NOT NULL,
    compat integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
_HAS_LEDGER: Final[LiteralString] = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_APPLIED: Final[LiteralString] = "SELECT number, name, sha256, compat FROM schema_migrations"
_RECORD: Final[LiteralString] = """
INSERT INTO schema_migrations (number, phase, name, sha256, compat) VALUES ($1, $2, $3, $4, $5)"""


class SchemaTooNewError(RejectedError):
    """The database was migrated by newer code that this code may not run beside."""

    def __init__(self, code_version: int, compat: int) -> None:
        super().__init__(code_version, compat)
        self.code_version = code_version
        self.compat = compat

    @override
    def __str__(self) -> str:
        return (
            f"this code knows schema {self.code_version}, the database asks for {self.compat} or newer: "
            "install the newer Vitrine, or restore a backup made before its migration"
        )


class SchemaTooOldError(RejectedError):
    """Steps this code needs were not applied yet."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__(missing)
        self.missing = missing

    @override
    def __str__(self) -> str:
        return f"the database lacks {', '.join(self.missing)}: run `vitrine migrate`"


class EditedMigrationError(RejectedError):
    """An applied step's file is not the one that was applied."""

    def __init__(self, file_name: str) -> None:
        super().__init__(file_name)
        self.file_name = file_name

    @override
    def __str__(self) -> str:
        return (
            f"{self.file_name} was changed after this database applied it: put the file back and write "
            "the change as a new step (a database without data to keep can be dropped instead)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    number: int
    phase: Literal["pre", "post"]
    name: str
    sql: str

    @property
    def file_name(self) -> str:
        return f"{self.number:04}_{self.phase}_{self.name}.sql"

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.sql.encode()).digest()


def list_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Every step in order. Raises DefectError for a wrong name, a number twice or a gap."""
    found: list[Migration] = []
    for path in sorted(folder.iterdir()):
        if path.suffix != ".sql":
            continue
        parts = _NAME.fullmatch(path.name)
        if parts is None:
            raise DefectError(
                f"{path.name}: a migration is called NNNN_pre_name.sql or NNNN_post_name.sql"
            )
        found.append(
            Migration(
                number=int(parts["number"]),
                phase="pre" if parts["phase"] == "pre" else "post",
                name=parts["name"],
                sql=path.read_text(encoding="utf-8"),
            )
        )
    numbers = [m.number for m in found]
    if numbers != list(range(1, len(found) + 1)):
        raise DefectError(
            f"migrations are numbered 1, 2, 3 … without gap or repeat; found {numbers}"
        )
    return tuple(found)


async def migrate(dsn: str, say: Callable[[str], None]) -> None:
    """Applies what is missing; a second migrator waits for the first and then finds nothing to do.

    Raises SchemaTooNewError, EditedMigrationError, or TransientError when a table was busy for
    longer than the lock timeout (nothing of that step is kept; running again is safe).
    """
    connection = await asyncpg.connect(dsn, server_settings={"application_name": "vitrine migrate"})
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
            say("another process is migrating this database; waiting for it")
            await connection.execute("SELECT pg_advisory_lock($1)", _LOCK_KEY)
        await connection.execute(_CREATE_LEDGER)
        pending = await _check_and_list_pending(connection, list_migrations())
        for step in pending:
            say(f"applying {step.file_name}")
            await _apply(connection, step)
        if not pending:
            say(f"the schema is up to date (step {SCHEMA_VERSION})")
    finally:
        await connection.close()


async def check_schema(connection: asyncpg.Connection[Any]) -> None:
    """For a process that does not migrate itself.

    Raises SchemaTooNewError, SchemaTooOldError or EditedMigrationError.
    """
    steps = list_migrations()
    if await connection.fetchval(_HAS_LEDGER):
        steps = await _check_and_list_pending(connection, steps)
    if steps:
        raise SchemaTooOldError(tuple(step.file_name for step in steps))


async def _check_and_list_pending(
    connection: asyncpg.Connection[Any], steps: Sequence[Migration]
) -> tuple[Migration, ...]:
    applied = {row["number"]: row for row in await connection.fetch(_APPLIED)}
    compat = max((row["compat"] for row in applied.values()), default=0)
    if compat > SCHEMA_VERSION:
        raise SchemaTooNewError(SCHEMA_VERSION, compat)
    for step in steps:
        row = applied.get(step.number)
        if row is not None and row["sha256"] != step.sha256:
            raise EditedMigrationError(step.file_name)
    return tuple(step for step in steps if step.number not in applied)


async def _apply(connection: asyncpg.Connection[Any], step: Migration) -> None:
    try:
        async with connection.transaction():
            # Waiting longer would queue every query of the running system behind us.
            await connection.execute("SET LOCAL lock_timeout = '5s'")
            await connection.execute(step.sql)
            await connection.execute(
                _RECORD, step.number, step.phase, step.name, step.sha256, SCHEMA_COMPAT_VERSION
            )
    except asyncpg.LockNotAvailableError as error:
        raise TransientError(f"{step.file_name}: a table was busy for 5 s; run it again") from error
