"""`vitrine audit verify` tells a whole chain from one that somebody touched."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from cli.users import users_app

pytestmark = [pytest.mark.postgres]


@pytest.fixture
def chain(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> str:
    """The database of a house whose audit has four lines."""
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("VITRINE_DIR", str(tmp_path))
    monkeypatch.setenv("SANDBOX", "on")
    for name in "abcd":
        made = CliRunner().invoke(
            users_app, ["add", f"{name}@loja.example", "--name", name, "--role", "agent"]
        )
        assert made.exit_code == 0, made.output
    return database


def verify() -> Result:
    return CliRunner().invoke(app, ["audit", "verify"])


def tamper(dsn: str, sql: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(run())


def test_a_whole_chain_is_said_to_be_whole(chain: str):
    result = verify()
    assert result.exit_code == 0, result.output
    assert "a cadeia está inteira: 4 linhas" in result.output


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM audit WHERE seq = 2", "quebra na linha 2: removida"),
        ("DELETE FROM audit WHERE seq > 2", "quebra nas linhas 3 a 4: removidas"),
        (
            "UPDATE audit SET actor = 'x' WHERE seq = 3",
            "quebra na linha 3: não é o que foi escrito",
        ),
        (
            "INSERT INTO audit VALUES (5, now(), 'a', 'b', 'c', '{}', 'x')",
            "quebra na linha 5: não veio da auditoria",
        ),
    ],
    ids=["removed", "tail cut", "altered", "added"],
)
def test_a_touched_line_is_named_and_the_exit_code_is_1(chain: str, sql: str, says: str):
    tamper(chain, sql)
    result = verify()
    assert result.exit_code == 1
    assert says in result.output
