"""Pacing buckets in Redis: GCRA for the number and the pair in one round trip.

Redis may be lost: then this process paces by itself at a fraction of the limit, and the buckets are
trusted again only after a full window of the slowest one has passed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import timedelta
from typing import Final, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.pacing import PAIR_RATE, Rate, fallback_rate, giving_way, number_rate

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


class Pace:
    """Says how long a send has to wait; charging and asking are one step."""

    def __init__(self, redis: Redis, *, senders: int) -> None:
        self._redis = redis
        self._script = redis.register_script(_GCRA)
        self._senders = senders
        self._trusted_at = float("-inf")
        self._own_next: dict[str, float] = {}

    async def wait_for(
        self,
        *,
        phone_number_id: str,
        contact: str,
        messages_per_second: int,
        business_initiated: bool = False,
    ) -> timedelta:
        """Zero: go now (and it is charged). Otherwise ask again after this long.

        Replies have the right of way: what the business begins leaves them half of the number's
        burst, and waits for the buckets as long as they are not trusted.
        """
        if time.monotonic() < self._trusted_at:
            return self._slowed(phone_number_id, messages_per_second, begun=business_initiated)
        rate = number_rate(messages_per_second)
        rates = (giving_way(rate) if business_initiated else rate, PAIR_RATE)
        keys = (f"pace:{phone_number_id}", f"pace:{phone_number_id}:{contact}")
        try:
            answer = cast("Awaitable[int]", self._script(keys=list(keys), args=_arguments(rates)))
            async with asyncio.timeout(1):
                return timedelta(milliseconds=await answer)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("pace.redis_lost", error=type(error).__name__)
            self._trusted_at = time.monotonic() + _DISTRUST.total_seconds()
            return self._slowed(phone_number_id, messages_per_second, begun=business_initiated)

    def _slowed(self, phone_number_id: str, messages_per_second: int, *, begun: bool) -> timedelta:
        if begun:
            return timedelta(seconds=max(self._trusted_at - time.monotonic(), 1.0))
        return self._own_pace(phone_number_id, messages_per_second)

    def _own_pace(self, phone_number_id: str, messages_per_second: int) -> timedelta:
        now = time.monotonic()
        next_at = self._own_next.get(phone_number_id, now)
        if next_at > now:
            return timedelta(seconds=next_at - now)
        rate = fallback_rate(messages_per_second, senders=self._senders)
        self._own_next[phone_number_id] = now + rate.interval.total_seconds()
        return timedelta(0)


def _arguments(rates: tuple[Rate, ...]) -> list[float]:
    return [
        value
        for rate in rates
        for value in (rate.interval.total_seconds() * 1000, float(rate.burst))
    ]
