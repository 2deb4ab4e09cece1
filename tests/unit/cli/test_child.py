"""What a child of the supervisor inherits of the person's environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import child
from cli.checkout import MARK, Checkout

TELLS = "import json, os\nprint(json.dumps(dict(os.environ)), flush=True)\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "checkout")
    checkout.logs.mkdir(parents=True)
    return checkout


def test_a_settings_file_named_from_the_persons_folder_is_found_from_the_childs(
    tmp_path: Path, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    home, persons = tmp_path / "project", tmp_path / "persons"
    for folder in (home, persons):
        folder.mkdir()
    (home / "tells.py").write_text(TELLS)
    monkeypatch.setattr(child, "ROOT", home)
    monkeypatch.chdir(persons)
    monkeypatch.setenv("VITRINE_ENV_FILE", "staging.env")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("RAY_ADDRESS", "ray://somebody.else:10001")
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    tells = child.Child("tells", checkout, log_name="tells", patience_s=5.0)
    tells.start([], {"GIVEN": "to this one"}).wait(30)
    tells.stop()
    told = json.loads(tells.log_file.read_text())
    assert told["VITRINE_ENV_FILE"] == str(persons / "staging.env")
    assert told["GIVEN"] == "to this one"
    assert told[MARK] == checkout.hash
    assert not {"PYTHONDONTWRITEBYTECODE", "RAY_ADDRESS"} & told.keys()
