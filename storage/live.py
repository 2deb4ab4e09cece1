"""The live feed's sending side: events are collected and leave in groups, never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from domain.clock import Clock
from storage.feed import Feed
from telemetry.tasks import start

#: Long enough to group the events of one turn, short enough to look live.
_GROUP_S: Final = 0.03
#: Beyond this the oldest are dropped and every screen looks again: a picture, not a record.
_BUFFER: Final = 2000


class Live:
    """Publishes what happens; `emit` returns at once and never raises."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._waiting: list[tuple[str, Mapping[str, Any]]] = []
        self._sender: asyncio.Task[None] | None = None

    def trace(
        self,
        stage: str,
        conversation_id: UUID,
        *,
        message_id: UUID | None = None,
        turn_id: UUID | None = None,
        ms: float | None = None,
        **detail: object,
    ) -> None:
        """One stage of a message's way, as the inside view of the sandbox and the why-panel show it."""
        data = {
            "conversation_id": conversation_id,
            "message_id": message_id,
            "turn_id": turn_id,
            "stage": stage,
            "at": self._clock.now().isoformat(timespec="milliseconds"),
            "ms": None if ms is None else round(ms, 1),
            "detail": detail,
        }
        self.emit("trace", data)

    def message(self, conversation_id: UUID, message_id: UUID) -> None:
        self.emit("message", {"conversation_id": conversation_id, "message_id": message_id})

    def conversation(self, conversation_id: UUID) -> None:
        self.emit("conversation", {"conversation_id": conversation_id})

    def emit(self, event: str, data: Mapping[str, Any]) -> None:
        self._waiting.append((event, data))
        over = len(self._waiting) - _BUFFER
        if over > 0:
            del self._waiting[:over]
            self._feed.drop(over)
        if self._sender is None or self._sender.done():
            self._sender = start(self._send(), name="live feed")

    @property
    def is_quiet(self) -> bool:
        """Whether everything emitted has been handed to the feed."""
        return not self._waiting and (self._sender is None or self._sender.done())

    async def _send(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GROUP_S)
            group, self._waiting = self._waiting, []
            await self._feed.publish_many(group)
