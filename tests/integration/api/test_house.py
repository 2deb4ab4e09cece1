from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from storage.counters import CounterTotals
from telemetry.metrics import UNSTORED
from telemetry.totals import Sample
from tests.house import FACADE
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PROMETHEUS = {
    "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
}


async def test_the_pause_button_says_who_pressed_it_and_why(desk: Desk):
    paused = await desk.ana.post("/system/pause", json={"reason": "preço errado"})
    assert paused.status_code == 200
    state = (await desk.bia.get("/system")).json()
    assert (state["ai_paused"], state["paused_by"], state["reason"]) == (
        True,
        "Ana",
        "preço errado",
    )
    assert state["sandbox"] is True
    conversation_id = await desk.conversation()
    assert (await desk.ana.get(f"/conversations/{conversation_id}")).json()["ai_paused"] is True
    assert (await desk.ana.post("/system/resume")).json()["ai_paused"] is False


async def test_only_a_supervisor_steers_the_house(desk: Desk):
    for method, path in [
        ("POST", "/system/pause"), ("POST", "/system/resume"), ("GET", "/numbers"), ("GET", "/actors"),
        ("GET", "/metrics"), ("POST", f"/numbers/{FACADE}/drain"), ("POST", f"/numbers/{FACADE}/activate"),
    ]:  # fmt: skip
        body = {"reason": "x"} if path == "/system/pause" else None
        for client in (desk.bia, desk.caio):
            assert (await client.request(method, path, json=body)).status_code == 403, path
        assert (await desk.anyone.request(method, path, json=body)).status_code == 401, path
        assert (await desk.ana.request(method, path, json=body)).status_code == 200, path


async def test_a_number_is_drained_and_activated(desk: Desk):
    await desk.conversation()
    numbers = {n["phone_number_id"]: n for n in (await desk.ana.get("/numbers")).json()["items"]}
    assert numbers[FACADE]["open_threads"] == 1
    assert numbers[FACADE]["facade"]["name"] == "Loja Exemplo"
    drained = await desk.ana.post(f"/numbers/{FACADE}/drain")
    assert drained.json()["state"] == "draining"
    assert (await desk.ana.post(f"/numbers/{FACADE}/activate")).json()["state"] == "active"
    assert (await desk.ana.post("/numbers/999/drain")).status_code == 404
    await desk.pool.execute("UPDATE physical_numbers SET wish = 'disabled'")
    assert (await desk.ana.post(f"/numbers/{FACADE}/activate")).status_code == 409


async def test_the_figures_as_json_and_as_prometheus_text(desk: Desk):
    await desk.conversation()
    figures = (await desk.ana.get("/metrics", headers={"Accept": "application/json"})).json()
    assert figures["conversations_by_mode"]["agent"] == 1
    assert figures["queue"]["length"] == 0
    assert figures["inbox"]["unworked_age_s"] > 0
    assert figures["latency_ms"] == {"median": None, "p95": None}
    text = await desk.ana.get("/metrics", headers=PROMETHEUS)
    assert text.headers["content-type"].startswith("text/plain")
    assert 'vitrine_conversations{mode="agent"} 1.0' in text.text
    assert "vitrine_http_requests_total" in text.text


async def test_what_a_person_must_know_stands_on_every_screen_while_it_lasts(desk: Desk):
    assert (await desk.bia.get("/system")).json()["alerts"] == []
    await desk.pool.execute(
        "UPDATE physical_numbers SET health = 'paused', health_reason = 'muitas denúncias',"
        " quarantined_until = now() + interval '30 minutes' WHERE phone_number_id = $1",
        FACADE,
    )
    [paused] = (await desk.bia.get("/system")).json()["alerts"]
    assert (paused["kind"], paused["until"] is None) == ("number_paused", False)
    assert "Número +55 11 3000-1234 parado: muitas denúncias." in paused["text"]
    await desk.pool.execute(
        "UPDATE accounts SET standing = 'disabled', standing_reason = 'a Meta desativou a conta',"
        " standing_at = now()"
    )
    [disabled] = (await desk.bia.get("/system")).json()["alerts"]
    assert disabled["text"] == "Conta parada: a Meta desativou a conta. Nada é enviado."
    figures = (await desk.ana.get("/metrics", headers={"Accept": "application/json"})).json()
    assert figures["numbers_by_health"]["paused"] == 1
    assert figures["accounts_by_standing"] == {"good": 0, "restricted": 0, "disabled": 1}
    await desk.pool.execute(
        "UPDATE accounts SET standing = 'restricted', standing_until = now() - interval '1 second'"
    )
    await desk.pool.execute("UPDATE physical_numbers SET health = 'healthy'")
    assert (await desk.bia.get("/system")).json()["alerts"] == []


async def test_what_another_process_counted_is_in_the_figures(desk: Desk):
    """The webhook's replica has no /metrics of its own: it hands its counts on with its beats."""
    UNSTORED.mark_stored(UNSTORED.amounts())  # what other tests counted in this process
    replica = CounterTotals(desk.pool)
    await asyncio.gather(
        *(replica.add({requests("200"): 2, requests("503"): 1, items("message"): 5}) for _ in "ab")
    )
    figures = (await desk.ana.get("/metrics", headers={"Accept": "application/json"})).json()
    assert figures["webhook_requests"] == {"200": 4, "503": 2}
    assert figures["webhook_items"] == {"message": 10}
    text = (await desk.ana.get("/metrics", headers=PROMETHEUS)).text
    assert 'vitrine_webhook_requests_total{status="200"} 4.0' in text
    assert 'vitrine_webhook_items_total{kind="message"} 10.0' in text


def requests(status: str) -> Sample:
    return Sample(name="vitrine_webhook_requests_total", labels=f'{{"status": "{status}"}}')


def items(kind: str) -> Sample:
    return Sample(name="vitrine_webhook_items_total", labels=f'{{"kind": "{kind}"}}')


async def test_a_scraper_needs_the_token_or_this_machine(desk_with: Callable[..., Awaitable[Desk]]):
    open_desk = await desk_with()
    assert (await open_desk.anyone.get("/metrics", headers=PROMETHEUS)).status_code == 200
    hidden = PROMETHEUS | {"X-Forwarded-For": "203.0.113.7"}
    assert (await open_desk.anyone.get("/metrics", headers=hidden)).status_code == 401
    far = open_desk.client(address="203.0.113.7")
    assert (await far.get("/metrics", headers=PROMETHEUS)).status_code == 401
    closed = await desk_with(settings={"metrics_token": "segredo-do-prometheus"})
    assert (await closed.anyone.get("/metrics", headers=PROMETHEUS)).status_code == 401
    scraper = closed.client("segredo-do-prometheus", address="203.0.113.7")
    assert (await scraper.get("/metrics", headers=PROMETHEUS)).status_code == 200
    assert (await scraper.get("/metrics")).status_code == 401, "the JSON is for people"
    for client in (far, scraper):
        await client.aclose()


async def test_ready_only_while_the_shards_report(desk: Desk):
    waiting = await desk.anyone.get("/readyz")
    assert (waiting.status_code, waiting.json()["ready"]) == (503, False)
    await desk.pool.execute("DELETE FROM shard_buckets")
    await desk.pool.execute("INSERT INTO shard_buckets (bucket, shard) VALUES (0, 0), (1, 1)")
    await desk.pool.execute(
        "INSERT INTO actor_beats (name, kind, actor_id, node, pid, memory_bytes, started_at, resident_count)"
        " VALUES ('conversations/0', 'shared', 'a', 'n', 1, 1, now(), 11200), ('conversations/1', 'shared', 'b', 'n', 2, 1, now(), 0)"
    )
    ready = await desk.anyone.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["redis"]) == (200, "ok")
    await desk.pool.execute(
        "UPDATE actor_beats SET beat_at = now() - interval '1 minute' WHERE name LIKE '%1'"
    )
    assert (await desk.anyone.get("/readyz")).json()["checks"]["shards"] == "1 of 2 report"
    actors = (await desk.ana.get("/actors")).json()["items"]
    assert [one["resident"] for one in actors] == [11_200], "all of them, not the 200 it lists"


async def test_without_redis_everything_but_the_feed_goes_on(
    desk_with: Callable[..., Awaitable[Desk]],
):
    gone = Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    desk = await desk_with(redis=gone)
    conversation_id = await desk.conversation()
    assert (await desk.ana.post(f"/conversations/{conversation_id}/takeover")).status_code == 200
    assert (await desk.ana.get("/conversations")).status_code == 200
    assert (await desk.anyone.get("/readyz")).json()["checks"]["redis"].startswith("degraded")
    await gone.aclose()


async def test_a_dead_database_is_said_and_does_not_hang(desk: Desk):
    live = await desk.anyone.get("/healthz")
    assert live.status_code == 200
    await desk.pool.close()
    answer = await desk.ana.get("/me")
    assert answer.status_code == 503
    assert answer.json()["title"] == "Indisponível agora"
    assert (await desk.anyone.get("/readyz")).json()["checks"]["database"].startswith("away")


async def test_a_defect_tells_only_its_request_id(desk_with: Callable[..., Awaitable[Desk]]):
    class Broken:
        async def list_actors(self) -> list[Any]:
            raise asyncpg.UndefinedTableError('relation "segredo" does not exist')

    desk = await desk_with(actors=Broken())
    answer = await desk.ana.get("/actors", headers={"X-Request-ID": "abcdefgh-1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abcdefgh-1"
    assert "segredo" not in answer.text
    assert answer.headers["content-type"] == "application/problem+json"
