"""The command line: refusals are lines, and commands belong to their checkout."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli import main


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setattr(main, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setenv("VITRINE_DIR", ".vitrine")

    def given(*words: str):
        return CliRunner().invoke(main.app, list(words))

    yield given
    monkeypatch.chdir("/")


def test_a_command_for_a_running_vitrine_says_how_to_start_one(run, monkeypatch, tmp_path):
    monkeypatch.chdir("/")
    for command in (["status"], ["actors"], ["pause", "feriado"], ["resume"]):
        result = run(*command)
        assert result.exit_code == 1
        assert "não está rodando: `make run` o inicia" in result.output
    assert (tmp_path / ".vitrine" / "secrets.json").exists()


def test_bad_settings_are_lines_with_brackets_and_all_and_no_trace(run, monkeypatch):
    monkeypatch.setenv("TIMEZONE", "[/nowhere]")
    result = run("status")
    assert result.exit_code == 1
    assert "TIMEZONE: '[/nowhere]' não é um fuso" in result.output
    assert "Traceback" not in result.output


def test_doctor_tells_every_finding_and_fails_when_one_is_bad(run, monkeypatch):
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "✓ Configurações sandbox" in result.output
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/x")
    result = run("doctor")
    assert result.exit_code == 1
    assert "✗ PostgreSQL DATABASE_URL: não foi possível conectar" in result.output
    assert "✓ Redis" in result.output


def test_real_data_are_not_reset(run, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@127.0.0.1:1/x")
    result = run("sandbox", "reset", "--yes")
    assert result.exit_code == 1
    assert "só apaga um ensaio com banco embutido" in result.output
