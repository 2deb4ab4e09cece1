"""Groups webhook requests that arrive together into one flush: one transaction, one doorbell a shard.

While a flush runs, requests gather for the next one; nobody waits for a timer, so a single request is
stored at once and a flood is stored in large groups.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import structlog

from domain.inbound import Unparsed
from storage.pool import AWAY
from storage.receipts import Receipt, Received
from telemetry.failpoints import Failpoint, failpoint
from telemetry.tasks import start

log = structlog.get_logger()

#: Requests and updates of one flush: large enough for Meta's batches, small enough to stay quick.
_REQUESTS_MAX: Final = 64
_ITEMS_MAX: Final = 2000
#: More waiting requests, or bytes of them, are refused with 503: Meta repeats, memory does not grow.
_QUEUE_MAX: Final = 2000
QUEUE_BYTES_MAX: Final = 64 * 1024 * 1024


class Store(Protocol):
    async def store(self, requests: Sequence[Received]) -> Receipt: ...


class IntakeFullError(Exception):
    """Too many requests wait already."""


class IntakeGroup:
    """`submit` returns when the request's updates are committed; `announce` hears of each flush."""

    def __init__(self, store: Store, announce: Callable[[Receipt, float], Awaitable[None]]) -> None:
        self._store = store
        self._announce = announce
        self._waiting: list[tuple[Received, asyncio.Future[None]]] = []
        self._waiting_bytes = 0
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, request: Received) -> None:
        """Raises one of AWAY when it could not be stored: the sender must be told to repeat it."""
        size = _size(request)
        if len(self._waiting) >= _QUEUE_MAX or self._waiting_bytes + size > QUEUE_BYTES_MAX:
            raise IntakeFullError
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, stored))
        self._waiting_bytes += size
        if self._flusher is None or self._flusher.done():
            self._flusher = start(self._flush_all(), name="intake flush")
        await stored

    async def _flush_all(self) -> None:
        while self._waiting:
            group = self._take()
            started = time.perf_counter()
            failpoint(Failpoint.BEFORE_INSERT)
            try:
                receipt = await self._store.store([request for request, _ in group])
            except AWAY as error:
                _fail(group, error)
            except Exception as error:  # noqa: BLE001 - nobody may wait for ever for a defect
                # A row PostgreSQL refuses must not take its neighbours along.
                log.warning("intake.group_split", error=type(error).__name__, requests=len(group))
                await self._one_by_one(group)
            else:
                failpoint(Failpoint.AFTER_INSERT, "message" if receipt.events else "status")
                _succeed(group)
                await self._announce(receipt, (time.perf_counter() - started) * 1000)

    def _take(self) -> list[tuple[Received, asyncio.Future[None]]]:
        group: list[tuple[Received, asyncio.Future[None]]] = []
        items = 0
        while self._waiting and len(group) < _REQUESTS_MAX:
            items += len(self._waiting[0][0].items)
            if group and items > _ITEMS_MAX:
                break
            group.append(self._waiting.pop(0))
            self._waiting_bytes -= _size(group[-1][0])
        return group

    async def _one_by_one(self, group: list[tuple[Received, asyncio.Future[None]]]) -> None:
        for request, stored in group:
            try:
                await self._store_request(request)
            except AWAY as error:
                _fail([(request, stored)], error)
            else:
                _succeed([(request, stored)])

    async def _store_request(self, request: Received) -> None:
        """The request whole, else each of its elements; what still fails is kept as unparsed."""
        started = time.perf_counter()
        try:
            receipt = await self._store.store([request])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - its elements are tried one by one
            log.warning("intake.request_split", error=type(error).__name__)
            # The raw bytes first and once: what becomes of the elements refers to them.
            await self._store.store([replace(request, items=())])
            for item in request.items:
                await self._store_item(replace(request, body=None, items=(item,)))
            return
        await self._announce(receipt, (time.perf_counter() - started) * 1000)

    async def _store_item(self, single: Received) -> None:
        started = time.perf_counter()
        try:
            receipt = await self._store.store([single])
        except AWAY:
            raise
        except Exception as error:
            log.exception("intake.element_refused", kind=single.items[0].kind)
            receipt = await self._store.store([_kept(single, error)])
        await self._announce(receipt, (time.perf_counter() - started) * 1000)


def _size(request: Received) -> int:
    return len(request.body or b"")


def _kept(single: Received, error: Exception) -> Received:
    item = single.items[0]
    unparsed = Unparsed(
        field=item.field,
        waba_id=item.waba_id,
        phone_number_id=item.phone_number_id,
        dedupe_key=f"refused:{item.dedupe_key}",
        reason=f"could not be stored: {type(error).__name__}",
        at=single.at,
        value=item.raw,
    )
    return replace(single, items=(unparsed,))


def _succeed(group: list[tuple[Received, asyncio.Future[None]]]) -> None:
    for _, stored in group:
        if not stored.done():
            stored.set_result(None)


def _fail(group: list[tuple[Received, asyncio.Future[None]]], error: Exception) -> None:
    log.warning("intake.unavailable", error=type(error).__name__, requests=len(group))
    for _, stored in group:
        if not stored.done():
            stored.set_exception(error)
