"""The API as the command line uses it: one sign-in, refusals as lines."""

from __future__ import annotations

import httpx
import pytest

from cli.actors import actors_table
from cli.api import ApiClient
from config.settings import load_settings
from domain.errors import RejectedError, TransientError

ANSWERS = {
    ("POST", "/auth/login"): (200, {"access_token": "token-1"}),
    ("GET", "/actors"): (200, {"items": []}),
    ("POST", "/system/pause"): (403, {"title": "Forbidden", "detail": "só a supervisão pausa"}),
}


@pytest.fixture
def server(monkeypatch):
    answers = dict(ANSWERS)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if (request.method, request.url.path) not in answers:
            raise httpx.ConnectError("refused")
        status, body = answers[request.method, request.url.path]
        return httpx.Response(status, json=body)

    real = httpx.Client
    monkeypatch.setattr(
        httpx, "Client", lambda **given: real(transport=httpx.MockTransport(answer), **given)
    )
    return answers, asked


@pytest.fixture
def settings(tmp_path):
    return load_settings(_env_file=None, data_dir=tmp_path)


def test_it_signs_in_once_and_shows_its_token(server, settings):
    with ApiClient("http://v", settings) as client:
        assert client.get("/actors") == {"items": []}
    assert [one.headers.get("Authorization") for one in server[1]] == [None, "Bearer token-1"]


def test_a_changed_password_is_said(server, settings):
    server[0]["POST", "/auth/login"] = (401, {"title": "Unauthorized"})
    with pytest.raises(RejectedError, match="a senha foi trocada"), ApiClient("http://v", settings):
        pass


def test_a_refusal_carries_the_reason(server, settings):
    with (
        ApiClient("http://v", settings) as client,
        pytest.raises(RejectedError, match="HTTP 403: só a supervisão pausa"),
    ):
        client.post("/system/pause", {"reason": "x"})


def test_an_api_that_is_away_is_said(server, settings):
    with (
        ApiClient("http://v", settings) as client,
        pytest.raises(TransientError, match="não respondeu a GET /system"),
    ):
        client.get("/system")


def test_actors_are_listed_with_their_conversations():
    table = actors_table(
        [
            {"name": "number_pool", "kind": "number_pool", "pid": 7, "memory_bytes": 50 * 2**20},
            {
                "name": "conversations/0",
                "kind": "shared",
                "pid": 8,
                "resident": 1,
                "conversations": [{"id": "c-1", "mailbox": 2, "epoch": 3, "state": "turn"}],
            },
        ]
    )
    names = list(table.columns[0].cells)
    assert names == ["conversations/0", "  c-1", "number_pool"]
    assert list(table.columns[8].cells)[2] == "50 MB"
