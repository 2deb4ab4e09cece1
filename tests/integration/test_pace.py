"""Pacing on the real Valkey, and without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from domain.pacing import PAIR_RATE, fallback_pair_rate, fallback_rate
from storage.pace import Pace, Senders

pytestmark = pytest.mark.redis

NOW = timedelta(0)


class Time:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Breakable:
    """A Redis that can be taken away and brought back: what a Pace asks of it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.away = False
        self.asked = 0

    def register_script(self, script: str) -> Callable[..., Awaitable[int]]:
        self._script = self._redis.register_script(script)
        return self._call

    async def _call(self, **given: Any) -> int:
        self.asked += 1
        if self.away:
            raise ConnectionError("no Redis")
        waited: int = await self._script(**given)
        return waited


def pace_over(redis: Breakable, senders: Senders, time: Time) -> Pace:
    return Pace(cast("Redis", redis), senders=senders, monotonic=time)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(redis_url)
    yield redis
    await redis.aclose()


async def ask(pace: Pace, *, number: str = "1", contact: str = "ana", mps: int = 80) -> timedelta:
    return await pace.wait_for(
        phone_number_id=number,
        contact=contact,
        messages_per_second=mps,
        business_initiated=False,
    )


async def test_all_senders_share_one_bucket_per_number(redis):
    one, two = (Pace(redis, senders=Senders(live=2)) for _ in "ab")
    waits = [await ask(p, contact=f"c{n}", mps=10) for n in range(4) for p in (one, two)]
    free = waits.count(NOW)
    assert 7 <= free <= 8  # a burst of 7, and one more if a tenth of a second passed meanwhile
    assert await ask(one, number="2", contact="c0", mps=10) == NOW, "another number is free"


async def test_one_contact_is_not_flooded(redis):
    pace = Pace(redis, senders=Senders(live=1))
    waits = [await ask(pace) for _ in range(PAIR_RATE.burst + 1)]
    assert waits[:-1] == [NOW] * PAIR_RATE.burst
    assert PAIR_RATE.interval - timedelta(seconds=1) < waits[-1] <= PAIR_RATE.interval
    assert await ask(pace, contact="bia") == NOW


async def test_what_has_to_wait_is_not_charged(redis):
    pace = Pace(redis, senders=Senders(live=1))
    for _ in range(PAIR_RATE.burst):
        await ask(pace)
    charged = await redis.get("pace:1")
    assert await ask(pace) > NOW
    assert await redis.get("pace:1") == charged


async def test_without_redis_a_sender_keeps_to_its_share_of_the_number(redis):
    away, time = Breakable(redis), Time()
    away.away = True
    pace = pace_over(away, Senders(live=4), time)
    assert await ask(pace, contact="a") == NOW
    share = fallback_rate(80, senders=4).interval
    assert await ask(pace, contact="b") == share
    time.seconds += share.total_seconds()
    assert await ask(pace, contact="b") == NOW
    assert share == timedelta(milliseconds=100)


async def test_the_share_follows_the_number_of_senders_that_live(redis):
    away, senders = Breakable(redis), Senders(live=1)
    away.away = True
    pace = pace_over(away, senders, Time())
    await ask(pace, contact="a")
    assert await ask(pace, contact="b") == timedelta(milliseconds=25)
    senders.live = 10
    time = Time()
    pace = pace_over(away, senders, time)
    await ask(pace, contact="a")
    assert await ask(pace, contact="b") == timedelta(milliseconds=250)


async def test_without_redis_one_contact_is_not_flooded_either(redis):
    away, time = Breakable(redis), Time()
    away.away = True
    pace = pace_over(away, Senders(live=1), time)
    sent = 0
    for _ in range(20):
        sent += await ask(pace) == NOW
        time.seconds += 0.1
    assert sent == fallback_pair_rate().burst


async def test_the_buckets_are_trusted_again_a_full_window_after_redis_is_lost(redis):
    broken, time = Breakable(redis), Time()
    broken.away = True
    pace = pace_over(broken, Senders(live=100), time)
    await ask(pace)
    broken.away = False
    time.seconds += 59
    await ask(pace)
    assert broken.asked == 1, "not trusted, not even asked"
    time.seconds += 2
    assert await ask(pace) == NOW
    assert broken.asked == 2
    assert await redis.exists("pace:1") == 1
