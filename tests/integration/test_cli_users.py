"""`vitrine user` works on the database itself, so that nobody is locked out of an empty house."""

from __future__ import annotations

import asyncio

import pytest
from typer.testing import CliRunner, Result

from cli.users import users_app
from storage.operators import find_by_password
from storage.pool import open_pool

pytestmark = [pytest.mark.postgres]


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("VITRINE_DIR", str(tmp_path))
    monkeypatch.setenv("SANDBOX", "on")
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(users_app, arguments)

    return call


async def _enters(dsn: str, email: str, password: str) -> bool | None:
    """Whether the password is a first one; None when it is not right."""
    pool = await open_pool(dsn, size=1, name="tests")
    try:
        found = await find_by_password(pool, email, password)
        return None if found is None else found.password_is_initial
    finally:
        await pool.close()


def test_a_person_is_added_listed_and_gets_another_password(run, database):
    added = run("add", "dora@loja.example", "--name", "Dora", "--role", "vendor")
    assert added.exit_code == 0, added.output
    first = added.output.split()[-1]
    assert asyncio.run(_enters(database, "dora@loja.example", first)) is True
    listed = run("list")
    assert "dora@loja.example" in listed.output
    assert "senha inicial" in listed.output
    changed = run("password", "dora@loja.example")
    second = changed.output.split()[-1]
    assert asyncio.run(_enters(database, "dora@loja.example", first)) is None
    assert asyncio.run(_enters(database, "dora@loja.example", second)) is True


def test_a_refusal_is_one_readable_line(run):
    unknown = run("password", "ninguem@loja.example")
    assert unknown.exit_code == 1
    assert "ninguem@loja.example" in unknown.output
    run("add", "a@loja.example", "--name", "A", "--role", "agent")
    twice = run("add", "A@loja.example", "--name", "B", "--role", "agent")
    assert twice.exit_code == 1
    assert "Traceback" not in twice.output
