"""How often somebody may call, counted in Redis. Lost counts only let somebody call again sooner."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from telemetry.metrics import RATE_LIMIT_SKIPPED

# This minute's count plus the part of the last minute's that is still inside a sliding window:
# two small keys a caller, and no burst of twice the limit where two minutes meet. Redis's clock.
_HIT: Final = """
local now = redis.call('TIME')
local seconds = tonumber(now[1]) + tonumber(now[2]) / 1000000
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local slot = math.floor(seconds / window)
local passed = seconds / window - slot
local before = tonumber(redis.call('GET', KEYS[1] .. ':' .. (slot - 1)) or '0')
local here = tonumber(redis.call('GET', KEYS[1] .. ':' .. slot) or '0')
local used = before * (1 - passed) + here
if used + 1 > limit then
    local wait = (1 - passed) * window
    if here + 1 <= limit and before > 0 then
        wait = math.min(wait, (used + 1 - limit) / before * window)
    end
    return {0, math.ceil(wait * 1000)}
end
redis.call('INCR', KEYS[1] .. ':' .. slot)
redis.call('PEXPIRE', KEYS[1] .. ':' .. slot, math.ceil(window * 2000))
return {math.floor(limit - used - 1), 0}
"""
_FORGIVE: Final = """
local slot = math.floor(tonumber(redis.call('TIME')[1]) / tonumber(ARGV[1]))
return redis.call('DEL', KEYS[1] .. ':' .. slot, KEYS[1] .. ':' .. (slot - 1))
"""
_TIMEOUT_S: Final = 0.25  # a limit may not cost more than what it guards


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    name: str
    count: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitVerdict:
    allowed: bool
    remaining: int
    retry_after: timedelta


class RateLimits:
    """Sliding windows by key. Redis away: everybody may pass, and it is counted."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._hit: Any = None if redis is None else redis.register_script(_HIT)
        self._forgive: Any = None if redis is None else redis.register_script(_FORGIVE)

    async def hit(self, limit: Limit, key: str) -> LimitVerdict:
        if self._hit is None:
            return self._skipped(limit)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                remaining, wait_ms = await self._hit(
                    keys=[_name(limit, key)], args=[limit.window.total_seconds(), limit.count]
                )
        except (RedisError, OSError, TimeoutError):
            return self._skipped(limit)
        return LimitVerdict(
            allowed=int(wait_ms) == 0,
            remaining=max(0, int(remaining)),
            retry_after=timedelta(milliseconds=int(wait_ms)),
        )

    async def forgive(self, limit: Limit, key: str) -> None:
        """Counts from nothing again: the caller proved to be no stranger."""
        if self._forgive is None:
            return
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._forgive(keys=[_name(limit, key)], args=[limit.window.total_seconds()])
        except (RedisError, OSError, TimeoutError):
            RATE_LIMIT_SKIPPED.inc()

    def _skipped(self, limit: Limit) -> LimitVerdict:
        RATE_LIMIT_SKIPPED.inc()
        return LimitVerdict(allowed=True, remaining=limit.count, retry_after=timedelta())


def _name(limit: Limit, key: str) -> str:
    """Keys may hold addresses and e-mails: Redis sees only their hash."""
    hashed = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"vitrine:limit:{limit.name}:{hashed}"
