"""`vitrine doctor` against a real database: exit code 1 and words when a promise does not hold."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner

from cli import main
from telemetry.invariants import INVARIANTS, InvariantName
from tests.house import a_house, inbound, store

pytestmark = pytest.mark.postgres


@pytest.fixture
def doctor(monkeypatch, tmp_path, database):
    """Runs the command for a house of one conversation; first does to it what it is given."""
    monkeypatch.setattr(main, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setenv("VITRINE_DIR", ".vitrine")
    monkeypatch.setenv("DATABASE_URL", database)

    async def prepare(sql: str) -> None:
        pool: asyncpg.Pool = await a_house(database, size=2)
        try:
            await store(pool, inbound("Oi"))
            if sql:
                await pool.execute(sql)
        finally:
            await pool.close()

    def given(sql: str = ""):
        asyncio.run(prepare(sql))
        return CliRunner().invoke(main.app, ["doctor"])

    yield given
    monkeypatch.chdir("/")


def test_a_house_in_order_ends_with_zero_and_says_how_much_was_checked(doctor):
    result = doctor()
    assert result.exit_code == 0, result.output
    # Nothing of this database runs here, so that its actors are silent is no news.
    assert f"✓ Invariantes {len(INVARIANTS) - 1} valem" in result.output


def test_a_broken_promise_ends_with_one_its_meaning_and_what_to_do(doctor):
    result = doctor(
        "INSERT INTO timers (id, conversation_id, kind, key, due_at)"
        " SELECT gen_random_uuid(), id, 'nudge', 'n', now() - interval '1 hour' FROM conversations"
    )
    assert result.exit_code == 1
    invariant = INVARIANTS[InvariantName.TIMER_OVERDUE]
    assert "✗ Invariante timer_overdue" in result.output
    assert invariant.holds in result.output
    assert "Não vale para 1 agendamentos" in result.output
    assert invariant.remedy in result.output
