"""GET /events: server-sent events for one person, who can prove having missed nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Final
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from api.access import Act, Principal, check_may, may_see_row, row_scope
from api.deps import ApiParts, Parts
from api.identity import Caller
from api.live import RESET, LiveEvent, LiveHub, Screen
from api.shapes import item_for, message_for
from storage.audit import AuditLine
from storage.conversation_page import list_own_ids
from storage.feed import FeedGoneError, FeedPlace, parse_place
from storage.operators import mark_online

router: Final = APIRouter(tags=["live"])

_HEARTBEAT_S: Final = 15.0
_POSITION_S: Final = 1.0
_TRACE_KEYS: Final = ("conversation_id", "message_id", "turn_id", "stage", "at", "ms", "detail")
_EXAMPLE: Final = (
    'id: 9f2c61d0a7be-1795445602001\nevent: trace\ndata: {"conversation_id":"0198d6a2-7c1e-7d7b-9d0e-3a0d5c1f2b11",'
    '"stage":"turn.started","at":"2026-11-23T15:00:00.120Z","detail":{}}\n\n'
)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"example": _EXAMPLE}}}},
)
async def follow(
    request: Request,
    caller: Caller,
    parts: Parts,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """`message`, `conversation`, `trace`, `system` as they happen; `reset` when one may be missing.

    `system` says that the house changed (the pause): look at /system again.

    Closed by us after 50 s: come back with Last-Event-ID. The first event, `ready`, carries the id
    to come back with.
    """
    check_may(caller, Act.FOLLOW_FEED)
    hub: LiveHub = request.app.state.live
    line = AuditLine(
        at=parts.clock.now(), actor=caller.audit_name, action=Act.FOLLOW_FEED.value, target="events"
    )
    await parts.audit.record(line)
    if caller.token_id is None:
        await mark_online(parts.pool, caller.operator_id)
    return StreamingResponse(
        _stream(parts, hub, caller, last_event_id),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def _stream(
    parts: ApiParts, hub: LiveHub, caller: Principal, last_event_id: str | None
) -> AsyncIterator[bytes]:
    ends = time.monotonic() + parts.feed_life.total_seconds()
    eyes = _Eyes(parts, caller)
    await eyes.open()
    screen = await hub.open()
    try:
        yield b"retry: 1000\n\n"
        seen = 0
        start, backlog = await _begin(parts, hub, last_event_id)
        if start is not None:
            yield start
        for event in backlog:
            seen = event.place.n if event.place else seen
            for block in eyes.render(event):
                yield block
        async for block in _follow(screen, eyes, seen, ends):
            yield block
    finally:
        hub.close(screen)


async def _begin(
    parts: ApiParts, hub: LiveHub, last_event_id: str | None
) -> tuple[bytes | None, list[LiveEvent]]:
    """The first block (ready, or reset when continuity cannot be proven), and what was missed."""
    if not await hub.wait_until_reading(_POSITION_S):
        return _block("reset", b"{}", None), []
    claimed = parse_place(last_event_id) if last_event_id else None
    try:
        if claimed is not None:
            entries = await parts.feed.list_after(claimed)
            if entries is not None:
                return _block("ready", b"{}", claimed), await hub.enrich(entries)
            # Something was lost in between; what is still known is shown all the same.
            newer = await parts.feed.list_newer(claimed.n)
            if newer:
                return _block("reset", b"{}", None), await hub.enrich(newer)
        here = await parts.feed.place()
    except FeedGoneError:
        return _block("reset", b"{}", None), []
    return _block("reset" if last_event_id else "ready", b"{}", here), []


async def _follow(screen: Screen, eyes: _Eyes, seen: int, ends: float) -> AsyncIterator[bytes]:
    while (left := ends - time.monotonic()) > 0:
        event = await screen.get(min(_HEARTBEAT_S, left))
        if event is None:
            yield b": still here\n\n"
            continue
        if event.place is not None and event.place.n <= seen:
            continue
        for block in eyes.render(event):
            yield block


class _Eyes:
    """What one person may see of the events."""

    def __init__(self, parts: ApiParts, caller: Principal) -> None:
        self._parts = parts
        self._caller = caller
        self._own: set[UUID] = set()

    async def open(self) -> None:
        if row_scope(self._caller) is not None:
            self._own = await list_own_ids(self._parts.pool, self._caller.operator_id)

    def render(self, event: LiveEvent) -> list[bytes]:
        if event.event == "system":
            return [_block("system", orjson.dumps(event.data or {}), event.place)]
        if event is RESET or event.conversation_id is None:
            return [_block("reset", b"{}", None)]
        if not may_see_row(self._caller, event.assignee_id):
            if event.conversation_id not in self._own:
                return []
            # It was theirs and is no more: the list has to be looked at again.
            self._own.discard(event.conversation_id)
            return [_block("reset", b"{}", event.place)]
        if row_scope(self._caller) is not None:
            self._own.add(event.conversation_id)
        return [_block(event.event, self._data(event), event.place)]

    def _data(self, event: LiveEvent) -> bytes:
        if event.event == "conversation" and event.row is not None:
            item = item_for(self._caller, event.row, self._parts.brl_per_usd)
            return b'{"conversation":' + item.model_dump_json().encode() + b"}"
        if event.event == "message" and event.row is not None:
            message = message_for(self._caller, event.row).model_dump_json().encode()
            return b'{"conversation_id":"%s","message":%s}' % (
                str(event.conversation_id).encode(),
                message,
            )
        data = event.data or {}
        return orjson.dumps({key: data[key] for key in _TRACE_KEYS if key in data})


def _block(event: str, data: bytes, place: FeedPlace | None) -> bytes:
    head = f"id: {place}\n" if place is not None else ""
    return head.encode() + f"event: {event}\ndata: ".encode() + data + b"\n\n"
