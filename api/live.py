"""The feed of one API process: one reader of Redis, many screens, each with its own eyes.

Events carry ids; what a screen may see of them is read from PostgreSQL at delivery, once for all
screens, so neither Redis nor a stale event decides about access.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from api.deps import ApiParts
from storage.conversation_page import list_assignees, list_messages_by_id
from storage.feed import FeedEntry, FeedGoneError, FeedPlace
from telemetry.tasks import start

log = structlog.get_logger()

_QUEUE_MAX: Final = 1000  # a screen this far behind looks again instead of catching up
_WAIT_S: Final = 1.0
_AWAY_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """One event with the rows it speaks of. `event` "reset": something may have been missed."""

    event: str
    place: FeedPlace | None = None
    conversation_id: UUID | None = None
    assignee_id: UUID | None = None
    data: dict[str, Any] | None = None
    row: dict[str, Any] | None = None


RESET: Final = LiveEvent(event="reset")


class Screen:
    """One open connection's queue."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[LiveEvent] = asyncio.Queue(maxsize=_QUEUE_MAX)

    def put(self, event: LiveEvent) -> None:
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            event = RESET
        self._queue.put_nowait(event)

    async def get(self, wait_s: float) -> LiveEvent | None:
        """None when nothing came within `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._queue.get()
        except TimeoutError:
            return None


class LiveHub:
    """Reads Redis only while somebody looks."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self._screens: set[Screen] = set()
        self._tail: asyncio.Task[Any] | None = None
        self._place: FeedPlace | None = None
        self._positioned = asyncio.Event()

    async def open(self) -> Screen:
        """A screen that gets everything after the tail's place; while Redis is away, a reset later."""
        screen = Screen()
        self._screens.add(screen)
        if self._tail is None or self._tail.done():
            self._positioned.clear()
            self._place = None
            self._tail = start(self._follow(), name="live feed tail")
        return screen

    def close(self, screen: Screen) -> None:
        self._screens.discard(screen)

    async def wait_until_reading(self, wait_s: float) -> bool:
        """Whether the tail stands at a place, so that nothing after it is missed."""
        try:
            async with asyncio.timeout(wait_s):
                await self._positioned.wait()
        except TimeoutError:
            return False
        return True

    async def _follow(self) -> None:
        away = False
        while self._screens:
            try:
                if not self._positioned.is_set():
                    # After an absence the tail goes on where it stood: numbers outlive a feed.
                    self._place = self._place or await self._parts.feed.place()
                    self._positioned.set()
                    if away:
                        self._tell([RESET])
                        away = False
                n = 0 if self._place is None else self._place.n
                entries = await self._parts.feed.wait_after(n, _WAIT_S)
            except FeedGoneError:
                away = True
                self._positioned.clear()
                await asyncio.sleep(_AWAY_S)
                continue
            if entries:
                await self._deliver(entries)

    async def _deliver(self, entries: Sequence[FeedEntry]) -> None:
        first = entries[0].place
        if self._place is not None and (first.feed, first.n) != (
            self._place.feed,
            self._place.n + 1,
        ):
            self._tell([RESET])
        self._place = entries[-1].place
        try:
            self._tell(await self.enrich(entries))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("feed.rows_unread", error=type(error).__name__)
            self._tell([RESET])

    def _tell(self, events: Sequence[LiveEvent]) -> None:
        for screen in self._screens:
            for event in events:
                screen.put(event)

    async def enrich(self, entries: Sequence[FeedEntry]) -> list[LiveEvent]:
        """With today's rows; an event about what no longer exists is left out."""
        owners = await self._owners(entries)
        items = await self._rows(entries, "conversation", "conversation_id")
        messages = await self._rows(entries, "message", "message_id")
        events: list[LiveEvent] = []
        for entry in entries:
            if entry.event == "system":
                events.append(LiveEvent(event="system", place=entry.place, data=entry.data))
                continue
            conversation_id = _id(entry, "conversation_id")
            if conversation_id not in owners:
                continue
            row = None
            if entry.event == "conversation":
                row = items.get(conversation_id)
            elif entry.event == "message":
                row = messages.get(_id(entry, "message_id"))
            merged_away = row is None and entry.event == "conversation"
            if row is None and entry.event == "message":
                continue
            events.append(
                LiveEvent(
                    # Its screens have to look again: no event takes a row out of a list.
                    event="reset" if merged_away else entry.event,
                    place=entry.place,
                    conversation_id=conversation_id,
                    assignee_id=owners[conversation_id],
                    data={} if merged_away else entry.data,
                    row=row,
                )
            )
        return events

    async def _owners(self, entries: Sequence[FeedEntry]) -> dict[UUID | None, UUID | None]:
        ids = {_id(entry, "conversation_id") for entry in entries} - {None}
        found = await list_assignees(self._parts.pool, [one for one in ids if one is not None])
        return {one: owner for one, owner in found.items()}  # noqa: C416 -- widens the key's type

    async def _rows(
        self, entries: Sequence[FeedEntry], event: str, key: str
    ) -> dict[UUID | None, dict[str, Any]]:
        wanted = {_id(entry, key) for entry in entries if entry.event == event} - {None}
        ids = [one for one in wanted if one is not None]
        if not ids:
            return {}
        rows = (
            await self._parts.inbox.list_items(ids)
            if event == "conversation"
            else await list_messages_by_id(self._parts.pool, ids)
        )
        return {row["id"]: row for row in rows}


def _id(entry: FeedEntry, key: str) -> UUID | None:
    try:
        return UUID(str(entry.data.get(key)))
    except ValueError:
        return None
