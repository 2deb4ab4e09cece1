from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from api.identity import SESSION_READS
from domain.ids import OperatorId
from storage.api_tokens import create_api_token
from storage.rate_limits import Limit, RateLimits
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def test_a_program_may_call_a_hundred_times_a_minute(desk: Desk):
    _, token = await create_api_token(desk.pool, OperatorId(desk.people["ana"].id), "crm")
    program = desk.client(token)
    codes = [(await program.get("/me")).status_code for _ in range(101)]
    assert codes == [200] * 100 + [429]
    refused = await program.get("/me")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json()["title"] == "Muitos pedidos"
    assert (await desk.ana.get("/me")).status_code == 200, (
        "the person's own session is another caller"
    )
    await program.aclose()


async def test_strangers_are_counted_by_address_and_open_paths_are_not(desk: Desk):
    stranger = desk.client("vtr_guess", address="203.0.113.7")
    codes = [(await stranger.get("/me")).status_code for _ in range(101)]
    assert codes == [401] * 100 + [429]
    for path in ("/healthz", "/app/"):
        assert (await stranger.get(path)).status_code == 200
    neighbour = desk.client(address="203.0.113.8")
    assert (await neighbour.get("/me")).status_code == 401
    for client in (stranger, neighbour):
        await client.aclose()


async def test_behind_a_trusted_proxy_the_client_is_who_it_names(
    desk_with: Callable[..., Awaitable[Desk]],
):
    desk = await desk_with(settings={"trusted_proxies": "10.0.0.0/8"})
    proxy = desk.client(address="10.0.0.1")
    busy = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 10.0.0.2"}
    codes = [(await proxy.get("/me", headers=busy)).status_code for _ in range(101)]
    assert codes[-1] == 429
    assert (await proxy.get("/me", headers={"X-Forwarded-For": "203.0.113.9"})).status_code == 401
    lying = {"X-Forwarded-For": "1.2.3.4, 203.0.113.7"}
    assert (await proxy.get("/me", headers=lying)).status_code == 429, (
        "what the client wrote is not believed"
    )
    await proxy.aclose()


async def test_the_window_slides(redis_url: str):
    redis = Redis.from_url(redis_url)
    limits = RateLimits(redis)
    short = Limit(name="t", count=3, window=timedelta(seconds=1))
    verdicts = [await limits.hit(short, "a") for _ in range(4)]
    assert [v.allowed for v in verdicts] == [True, True, True, False]
    assert timedelta() < verdicts[3].retry_after <= timedelta(seconds=1)
    assert (await limits.hit(short, "b")).allowed
    for key in await redis.keys("vitrine:limit:*"):
        assert await redis.pttl(key) > 0, "every count ends by itself"
    await redis.aclose()


async def test_redis_away_lets_everybody_pass():
    gone = Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    limits = RateLimits(gone)
    one = Limit(name="t", count=1, window=timedelta(seconds=60))
    assert [(await limits.hit(one, "a")).allowed for _ in range(3)] == [True] * 3
    await gone.aclose()


def test_a_session_may_read_six_hundred_times_a_minute():
    assert (SESSION_READS.count, SESSION_READS.window) == (600, timedelta(minutes=1))
