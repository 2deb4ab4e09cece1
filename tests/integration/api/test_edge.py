from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

OPEN = {"/auth/login", "/auth/refresh", "/auth/logout", "/healthz", "/readyz", "/metrics"}


async def test_every_refusal_is_a_problem_with_safe_headers(desk: Desk):
    for method, path, status in [
        ("GET", "/nada", 404), ("DELETE", "/me", 405), ("GET", "/me", 401), ("POST", "/auth/login", 422),
        ("GET", "/conversations/x", 401),
    ]:  # fmt: skip
        answer = await desk.anyone.request(method, path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert {"type", "title", "status", "detail", "request_id"} <= problem.keys()
        assert problem["status"] == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"] == problem["request_id"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers
    assert (await desk.anyone.request("DELETE", "/me")).headers["allow"] == "GET"


async def test_a_body_beyond_a_megabyte_is_refused_before_it_is_read(desk: Desk):
    answer = await desk.ana.post("/escalate", content=b"x" * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.json()["title"] == "Grande demais"


async def test_a_body_of_untold_length_is_read_as_far_as_the_limit_and_no_further(desk: Desk):
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b" " * 256 * 1024

    answer = await desk.ana.post("/escalate", content=endless())
    assert answer.status_code == 413
    assert answer.json()["title"] == "Grande demais"
    assert given == 5


async def test_a_short_body_of_untold_length_reaches_its_route_whole(desk: Desk):
    async def in_parts() -> AsyncIterator[bytes]:
        yield b'{"email": "ninguem@loja.example", '
        yield b'"password": "x"}'

    headers = {"content-type": "application/json"}
    answer = await desk.anyone.post("/auth/login", content=in_parts(), headers=headers)
    assert answer.status_code == 401


async def test_a_strange_request_id_is_replaced(desk: Desk):
    answer = await desk.anyone.get("/healthz", headers={"X-Request-ID": "a\tb<script>"})
    assert "script" not in answer.headers["x-request-id"]


async def test_the_openapi_document_is_whole(desk: Desk):
    document = (await desk.anyone.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    promised = {
        "/auth/login", "/auth/refresh", "/auth/logout", "/me", "/conversations",
        "/conversations/{conversation_id}", "/conversation", "/escalate", "/system", "/system/pause",
        "/system/resume", "/numbers", "/actors", "/metrics", "/audit", "/events", "/healthz", "/readyz",
        "/numbers/{phone_number_id}/drain", "/numbers/{phone_number_id}/activate",
        *(f"/conversations/{{conversation_id}}/{act}" for act in
          ("takeover", "handback", "close", "notes", "whisper", "assign", "qualify", "schedule")),
    }  # fmt: skip
    assert promised <= document["paths"].keys()
    names: set[str] = set()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert {"401", "422", "500"} <= operation["responses"].keys(), path
            assert path in OPEN or operation["security"] == [{"bearer": []}], path
            assert operation["operationId"] not in names
            names.add(operation["operationId"])
    for reference in _references(document):
        assert reference.startswith("#/components/schemas/")
        assert reference.rsplit("/", 1)[-1] in document["components"]["schemas"]
    page = await desk.anyone.get("/docs")
    assert "/conversations/{conversation_id}/takeover" in page.text
    assert "http://" not in page.text.replace("http://test", "")


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []


async def test_the_dashboard_is_served_with_its_routes(
    desk_with: Callable[..., Awaitable[Desk]], tmp_path: Path
):
    desk = await desk_with(dashboard_dist=tmp_path)
    unbuilt = await desk.anyone.get("/app/")
    assert (unbuilt.status_code, "npm run build" in unbuilt.text) == (200, True)
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>painel</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_text("1")
    (tmp_path.parent / "segredo.txt").write_text("segredo")
    for path in ("/app/", "/app/conversas", "/app/conversas/0198d6a2"):
        page = await desk.anyone.get(path)
        assert "painel" in page.text
        assert page.headers["cache-control"] == "no-cache"
        assert "script-src 'self'" in page.headers["content-security-policy"]
    asset = await desk.anyone.get("/app/assets/app-1a2b.js")
    assert "immutable" in asset.headers["cache-control"]
    assert (await desk.anyone.get("/app/assets/gone.js")).status_code == 404
    for path in ("/app/../segredo.txt", "/app/%2e%2e/segredo.txt", "/app/..%2fsegredo.txt"):
        assert "segredo" not in (await desk.anyone.get(path)).text
    assert (await desk.anyone.get("/")).headers["location"] == "/app/"
    sandbox = await desk.anyone.get("/sandbox")
    assert (sandbox.status_code, sandbox.headers["location"]) == (307, "http://127.0.0.1:9/sandbox")
    real = await desk_with(settings={"sandbox": "off"})
    assert (await real.anyone.get("/sandbox")).status_code == 404
