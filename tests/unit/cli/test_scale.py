"""`vitrine scale` asks, waits until it is so, and says what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from rich.console import Console

import cli.scale
from cli.api import ApiClient
from cli.scale import roll_out, scale, show_scale
from cli.steps import Steps
from domain.errors import RejectedError, TransientError
from domain.scale import Part


class FakeApi:
    """Answers `settled` after so many looks."""

    def __init__(self, *, looks: int) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self._looks = looks

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.posted.append((path, body))
        return self._one(body["part"])

    def get(self, path: str) -> dict[str, Sequence[dict[str, Any]]]:
        assert path == "/system/scale"
        self._looks -= 1
        return {"items": [self._one(part) for part in Part]}

    def _one(self, part: str) -> dict[str, Any]:
        return {"part": part, "wanted": 4, "settled": self._looks <= 0}


@pytest.fixture
def console(monkeypatch) -> Console:
    monkeypatch.setattr(cli.scale, "_LOOK_EVERY_S", 0)
    return Console(record=True, width=100)


def api_of(fake: FakeApi) -> ApiClient:
    return cast("ApiClient", fake)


def test_it_returns_when_what_was_asked_is_so(console):
    fake = FakeApi(looks=3)
    scale(Steps(console), api_of(fake), Part.SHARDS, 4)
    assert fake.posted == [("/system/scale", {"part": "shards", "count": 4})]
    assert "4 atores compartilhados (shards) no ar em" in console.export_text()


def test_a_rollout_is_for_replicas(console):
    fake = FakeApi(looks=0)
    with pytest.raises(RejectedError, match="webhook ou api"):
        roll_out(Steps(console), api_of(fake), Part.SHARDS)
    roll_out(Steps(console), api_of(fake), Part.API)
    assert fake.posted == [("/system/rollout", {"part": "api"})]


def test_it_does_not_wait_for_ever(console, monkeypatch):
    monkeypatch.setattr(cli.scale, "PATIENCE_S", 0.01)
    with pytest.raises(TransientError, match="ainda mudando"):
        scale(Steps(console), api_of(FakeApi(looks=10**9)), Part.API, 2)


def test_alone_it_shows_every_part(console):
    show_scale(console, api_of(FakeApi(looks=5)))
    text = console.export_text()
    for words in ("shards", "webhook", "API", "mudando"):
        assert words in text
