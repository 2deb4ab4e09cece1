"""The live feed: a capped Redis stream that tells screens what changed. Never the only copy.

Every entry has the next number `n` of its feed; a feed is one unbroken run of numbers. Whoever
knows `<feed>-<n>` can prove having missed nothing, or be told to look again: a publisher that had to
drop events begins a new feed, and so does a Redis that forgot.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from typing_extensions import override

from telemetry.metrics import FEED_DROPPED

log = structlog.get_logger()

STREAM: Final = "vitrine:feed"
_NAME: Final = "vitrine:feed:name"
KEPT: Final = 5000
_TIMEOUT_S: Final = 0.5
_SAY_EVERY_S: Final = 60.0

# ARGV: new name, whether to begin a new feed, kept, then event and data of each entry.
# An empty stream begins a new feed, with numbers beyond any that was given out before.
_PUBLISH: Final = """
local name = redis.call('GET', KEYS[2])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local n = tonumber(redis.call('TIME')[1]) * 1000
if #last > 0 then n = tonumber(string.match(last[1][1], '^(%d+)-')) end
if not name or #last == 0 or ARGV[2] == '1' then
    name = ARGV[1]
    redis.call('SET', KEYS[2], name)
end
for i = 4, #ARGV, 2 do
    n = n + 1
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], string.format('%.0f-0', n), 'f', name, 'e', ARGV[i], 'd', ARGV[i + 1])
end
return 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlace:
    """Where a reader stands: everything of `feed` up to `n` was seen."""

    feed: str
    n: int

    @override
    def __str__(self) -> str:
        return f"{self.feed}-{self.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    place: FeedPlace
    event: str
    data: dict[str, Any]


class FeedGoneError(Exception):
    """Redis did not answer; what is published meanwhile is not known."""


class Feed:
    """Publishes and reads. Publishing never raises and never waits long for Redis."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._script: Any = None if redis is None else redis.register_script(_PUBLISH)
        self._broken = False
        self._said_at = float("-inf")
        self._unsaid = 0

    async def publish(self, event: str, data: Mapping[str, Any]) -> None:
        """Tells the screens. Ids are enough: the API fills in what each reader may see.

        `conversation` takes `{conversation_id}`, `message` `{conversation_id, message_id}`, `trace`
        what the contract says, `system` what every screen may know of the house.
        """
        await self.publish_many([(event, data)])

    async def publish_many(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        if not events:
            return
        if self._script is None:
            FEED_DROPPED.inc(len(events))
            return
        broken, self._broken = self._broken, False
        args: list[Any] = [secrets.token_hex(6), "1" if broken else "0", KEPT]
        for event, data in events:
            args += [event, orjson.dumps(data, default=str)]
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._script(keys=[STREAM, _NAME], args=args)
        except (RedisError, OSError, TimeoutError) as error:
            self._broken = True
            self._count(len(events), type(error).__name__)

    async def place(self) -> FeedPlace | None:
        """Where the feed ends now; None before its first entry. Raises FeedGoneError."""
        redis = self._connected()
        try:
            last: Any = await redis.xrevrange(STREAM, count=1)
        except (RedisError, OSError, TimeoutError) as error:
            raise FeedGoneError from error
        return _entry(last[0]).place if last else None

    async def list_after(self, place: FeedPlace, limit: int = KEPT * 2) -> list[FeedEntry] | None:
        """What came after `place`; None when nobody can prove that nothing was missed.

        Raises FeedGoneError.
        """
        redis = self._connected()
        try:
            # The entry itself is asked for too: finding it is the proof.
            raw: Any = await redis.xrange(STREAM, min=f"{place.n}-0", count=limit)
        except (RedisError, OSError, TimeoutError) as error:
            raise FeedGoneError from error
        entries = [_entry(item) for item in raw]
        if not entries or entries[0].place != place or entries[-1].place.feed != place.feed:
            return None
        return entries[1:]

    async def list_newer(self, n: int, limit: int = KEPT * 2) -> list[FeedEntry]:
        """What is kept beyond number `n`, of whatever feed. Raises FeedGoneError."""
        redis = self._connected()
        try:
            raw: Any = await redis.xrange(STREAM, min=f"({n}-0", count=limit)
        except (RedisError, OSError, TimeoutError) as error:
            raise FeedGoneError from error
        return [_entry(item) for item in raw]

    async def wait_after(self, n: int, wait_s: float) -> list[FeedEntry]:
        """Entries beyond number `n`, as soon as there are any, or none after `wait_s`.

        The client's socket timeout must be longer than `wait_s`. Raises FeedGoneError.
        """
        redis = self._connected()
        try:
            async with asyncio.timeout(wait_s + 1):
                raw: Any = await redis.xread(
                    {STREAM: f"{n}-0"}, count=500, block=max(1, int(wait_s * 1000))
                )
        except (RedisError, OSError, TimeoutError) as error:
            raise FeedGoneError from error
        if not raw:
            return []
        # A dict from RESP3 servers, pairs from RESP2; in RESP3 the entries are nested once more.
        streams = list(raw.values()) if isinstance(raw, dict) else [pair[1] for pair in raw]
        items = streams[0]
        if items and isinstance(items[0], list):
            items = items[0]
        return [_entry(item) for item in items]

    def _connected(self) -> Redis:
        if self._redis is None:
            raise FeedGoneError
        return self._redis

    def drop(self, count: int) -> None:
        """The caller had to leave out `count` events: the next one published begins a new feed."""
        self._broken = True
        self._count(count, "too many at once")

    def _count(self, dropped: int, why: str) -> None:
        FEED_DROPPED.inc(dropped)
        self._unsaid += dropped
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY_S:
            log.warning("feed.dropped", count=self._unsaid, why=why)
            self._said_at, self._unsaid = now, 0


def parse_place(text: str) -> FeedPlace | None:
    """`<feed>-<n>` as a client repeats it; None when it is no such id."""
    feed, _, n = text.rpartition("-")
    if not feed.isalnum() or not n.isdecimal() or len(text) > 64 or not text.isascii():
        return None
    return FeedPlace(feed=feed, n=int(n))


def _entry(item: Any) -> FeedEntry:
    raw_id, raw = item
    fields = {_text(key): value for key, value in raw.items()}
    n = int(_text(raw_id).partition("-")[0])
    return FeedEntry(
        place=FeedPlace(feed=_text(fields["f"]), n=n),
        event=_text(fields["e"]),
        data=orjson.loads(fields["d"]),
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
