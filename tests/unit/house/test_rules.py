"""The house's own rules, held by tests: direction of imports, size of modules, prepared statements."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import storage

ROOT = Path(__file__).parent.parent.parent.parent
LONGEST = 600
FOLDERS = ("actors", "agent", "api", "cli", "config", "domain", "integrations", "jobs", "routing",
           "sandbox", "storage", "telemetry")  # fmt: skip


def test_imports_only_point_inward_and_domain_knows_nothing_of_ray(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0


def modules() -> list[Path]:
    return [p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("module", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_longer_than_its_budget(module: Path):
    assert len(module.read_text().splitlines()) <= LONGEST


def test_no_lock_file_names_a_registry():
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        # Hashes are indented; an option of pip's, which could name a registry, is not.
        assert not [line for line in text.splitlines() if line.startswith("-")], lock.name
    npm = (ROOT / "dashboard" / "package-lock.json").read_text()
    assert '"resolved"' not in npm


def test_every_storage_module_can_be_imported():
    for found in pkgutil.walk_packages(storage.__path__, "storage."):
        importlib.import_module(found.name)


def test_nothing_generated_is_tracked():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    assert not [f for f in tracked if "node_modules/" in f or "__pycache__" in f or "/dist/" in f]
