"""Pacing buckets in Redis: GCRA for the number and the pair in one round trip.

Redis may be lost: then this process paces by itself at its share of the limits, and the buckets are
trusted again only after a full window of the slowest one has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.pacing import (
    PAIR_RATE,
    Bucket,
    Rate,
    fallback_pair_rate,
    fallback_rate,
    giving_way,
    number_rate,
)

log = structlog.get_logger()

# GCRA over several buckets at once: either all let the message pass, or none is charged and the
# longest wait (ms) is returned. KEYS buckets; ARGV per bucket: interval ms, burst. Time is Redis's own.
_GCRA: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local wait = 0
local tats = {}
for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[i * 2 - 1])
  local burst = tonumber(ARGV[i * 2])
  local tat = tonumber(redis.call('GET', key) or now)
  if tat < now then tat = now end
  local allow_at = tat - interval * (burst - 1)
  if allow_at > now then wait = math.max(wait, allow_at - now) end
  tats[i] = tat + interval
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, tats[i], 'PX', math.ceil(tats[i] - now) + 1000)
end
return 0
"""

#: After Redis returns empty, buckets know nothing of what was sent: one whole pair window passes first.
_DISTRUST: Final = PAIR_RATE.interval * PAIR_RATE.burst


#: So many buckets of our own are kept before the full ones, which say nothing, are dropped.
_OWN_MOST: Final = 2000


@dataclass
class Senders:
    """How many processes send now; a process learns it with each of its beats."""

    live: int


class Pace:
    """Says how long a send has to wait; charging and asking are one step."""

    def __init__(
        self, redis: Redis, *, senders: Senders, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = redis
        self._script = redis.register_script(_GCRA)
        self._senders = senders
        self._monotonic = monotonic
        self._trusted_at = float("-inf")
        self._own: dict[str, Bucket] = {}

    async def wait_for(
        self,
        *,
        phone_number_id: str,
        contact: str,
        messages_per_second: int,
        business_initiated: bool,
    ) -> timedelta:
        """Zero: go now (and it is charged). Otherwise ask again after this long.

        Replies have the right of way: what the business begins leaves them half of the number's
        burst, and waits for the buckets as long as they are not trusted.
        """
        number, pair = f"pace:{phone_number_id}", f"pace:{phone_number_id}:{contact}"
        if self._monotonic() < self._trusted_at:
            return self._slowed(number, pair, messages_per_second, begun=business_initiated)
        rate = number_rate(messages_per_second)
        rates = (giving_way(rate) if business_initiated else rate, PAIR_RATE)
        try:
            answer = cast(
                "Awaitable[int]", self._script(keys=[number, pair], args=_arguments(rates))
            )
            async with asyncio.timeout(1):
                wait = timedelta(milliseconds=await answer)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("pace.redis_lost", error=type(error).__name__)
            self._trusted_at = self._monotonic() + _DISTRUST.total_seconds()
            return self._slowed(number, pair, messages_per_second, begun=business_initiated)
        self._own.clear()
        return wait

    def _slowed(
        self, number: str, pair: str, messages_per_second: int, *, begun: bool
    ) -> timedelta:
        if begun:
            return timedelta(seconds=max(self._trusted_at - self._monotonic(), 1.0))
        return self._own_pace(number, pair, messages_per_second)

    def _own_pace(self, number: str, pair: str, messages_per_second: int) -> timedelta:
        """The same rule over this process's own buckets: both let it pass, or none is charged."""
        now = timedelta(seconds=self._monotonic())
        rates = {
            number: fallback_rate(messages_per_second, senders=self._senders.live),
            pair: fallback_pair_rate(),
        }
        buckets = {key: self._own.get(key, Bucket()) for key in rates}
        wait = max(buckets[key].wait(rate, now) for key, rate in rates.items())
        if not wait:
            if len(self._own) > _OWN_MOST:
                self._own = {key: one for key, one in self._own.items() if not one.is_full(now)}
            self._own |= {key: buckets[key].charged(rate, now) for key, rate in rates.items()}
        return wait


def _arguments(rates: tuple[Rate, ...]) -> list[float]:
    return [
        value
        for rate in rates
        for value in (rate.interval.total_seconds() * 1000, float(rate.burst))
    ]
