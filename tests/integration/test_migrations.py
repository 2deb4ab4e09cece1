from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

import storage.migrate
from domain.errors import DefectError, TransientError
from storage.migrate import (
    MIGRATIONS,
    SCHEMA_VERSION,
    EditedMigrationError,
    SchemaTooNewError,
    SchemaTooOldError,
    check_schema,
    list_migrations,
    migrate,
)
from tests.services import Services

pytestmark = pytest.mark.postgres

SCHEMA = MIGRATIONS.parent / "schema.sql"

# Everything that makes a schema, as text lines that can be compared.
CATALOG = """
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || ' notnull=' || a.attnotnull || ' identity=' || a.attidentity::text || ' generated=' || a.attgenerated::text
       || ' default=' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p')
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'index ' || pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal
UNION ALL
SELECT 'view ' || c.relname || ' ' || pg_get_viewdef(c.oid) FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence ' || sequencename || ' ' || data_type || ' ' || increment_by FROM pg_sequences
 WHERE schemaname = 'public'
UNION ALL
SELECT 'extension ' || extname FROM pg_extension
UNION ALL
SELECT 'search ' || cfgname || ' ' || m.maptokentype || ' ' || m.mapseqno || ' ' || m.mapdict::regdictionary
  FROM pg_ts_config c JOIN pg_ts_config_map m ON m.mapcfg = c.oid
 WHERE c.cfgnamespace = 'public'::regnamespace
UNION ALL
SELECT 'type ' || typname || ' ' || coalesce(
           (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid), '')
  FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd')
"""


@pytest.fixture
def dsn(empty_database: str) -> str:
    return empty_database


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(dsn)
    yield opened
    await opened.close()


async def catalog_of(dsn: str) -> list[str]:
    opened = await asyncpg.connect(dsn)
    try:
        lines = [str(row[0]) for row in await opened.fetch(CATALOG)]
    finally:
        await opened.close()
    return sorted(line for line in lines if "schema_migrations" not in line)


def quiet(_line: str) -> None: ...


async def test_the_schema_file_is_the_sum_of_the_migrations(services: Services, dsn: str):
    written = services.postgres_dsn(services.create_database(template="template1"))
    opened = await asyncpg.connect(written)
    await opened.execute(SCHEMA.read_text(encoding="utf-8"))
    await opened.close()
    await migrate(dsn, quiet)
    summed = await catalog_of(dsn)
    assert summed == await catalog_of(written)
    assert len(summed) > 200, "the comparison sees the catalogs at all"


async def test_the_comparison_would_notice_a_lost_index(dsn: str, connection: asyncpg.Connection):
    await migrate(dsn, quiet)
    before = await catalog_of(dsn)
    await connection.execute("DROP INDEX conversations_recent")
    assert await catalog_of(dsn) != before


async def test_migrating_twice_applies_nothing_the_second_time(dsn: str):
    said: list[str] = []
    await migrate(dsn, said.append)
    assert said == [f"applying {m.file_name}" for m in list_migrations()]
    said.clear()
    await migrate(dsn, said.append)
    assert said == [f"the schema is up to date (step {SCHEMA_VERSION})"]


async def test_two_migrators_at_once_wait_for_each_other(dsn: str, connection: asyncpg.Connection):
    said: list[str] = []
    await asyncio.gather(*(migrate(dsn, said.append) for _ in range(3)))
    applied = [line for line in said if line.startswith("applying")]
    assert applied == [f"applying {m.file_name}" for m in list_migrations()]
    assert await connection.fetchval("SELECT count(*) FROM schema_migrations") == SCHEMA_VERSION


async def test_code_older_than_the_databases_compat_refuses_to_start(
    dsn: str, connection: asyncpg.Connection
):
    await migrate(dsn, quiet)
    await connection.execute(
        "INSERT INTO schema_migrations VALUES ($1, 'post', 'later', '', $1, now())",
        SCHEMA_VERSION + 1,
    )
    with pytest.raises(SchemaTooNewError, match="install the newer Vitrine"):
        await migrate(dsn, quiet)
    with pytest.raises(SchemaTooNewError):
        await check_schema(connection)


async def test_code_older_than_the_schema_but_compatible_goes_on(
    dsn: str, connection: asyncpg.Connection
):
    await migrate(dsn, quiet)
    await connection.execute(
        "INSERT INTO schema_migrations VALUES ($1, 'pre', 'later', '', $2, now())",
        SCHEMA_VERSION + 1,
        SCHEMA_VERSION,
    )
    await migrate(dsn, quiet)
    await check_schema(connection)


async def test_a_process_that_does_not_migrate_refuses_an_empty_database(
    connection: asyncpg.Connection,
):
    with pytest.raises(SchemaTooOldError, match="vitrine migrate"):
        await check_schema(connection)


async def test_an_edited_applied_file_stops_the_start_by_name(
    dsn: str, connection: asyncpg.Connection
):
    await migrate(dsn, quiet)
    await connection.execute("UPDATE schema_migrations SET sha256 = 'x' WHERE number = 1")
    with pytest.raises(EditedMigrationError, match="0001_pre"):
        await migrate(dsn, quiet)


async def test_a_busy_table_gives_up_and_keeps_nothing_of_the_step(
    dsn: str, connection: asyncpg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "0001_pre_first.sql").write_text("CREATE TABLE busy (a integer)")
    monkeypatch.setattr(storage.migrate.list_migrations, "__defaults__", (tmp_path,))
    await migrate(dsn, quiet)
    (tmp_path / "0002_pre_second.sql").write_text(
        "SET LOCAL lock_timeout = '50ms'; CREATE TABLE half (a integer); ALTER TABLE busy ADD b integer"
    )
    async with connection.transaction():
        await connection.execute("LOCK TABLE busy")
        with pytest.raises(TransientError, match="0002_pre_second"):
            await migrate(dsn, quiet)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    await migrate(dsn, quiet)
    assert await connection.fetchval("SELECT to_regclass('half')") is not None


@pytest.mark.parametrize(
    "names",
    [
        ["0001_pre_a.sql", "0001_post_b.sql"],
        ["0001_pre_a.sql", "0003_pre_b.sql"],
        ["0001_before_a.sql"],
        ["1_pre_a.sql"],
        ["0001_pre_Big.sql"],
    ],
    ids=["number twice", "gap", "unknown phase", "short number", "capital"],
)
def test_a_wrongly_named_migration_is_a_defect(names: list[str], tmp_path: Path):
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(DefectError):
        list_migrations(tmp_path)


def test_the_code_knows_its_newest_step():
    assert list_migrations()[-1].number == SCHEMA_VERSION
