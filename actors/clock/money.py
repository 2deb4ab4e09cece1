"""MoneyWatch: the house's money for the model, looked at by the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import structlog

log = structlog.get_logger()


class Spending(Protocol):
    async def settle(self, cap_micros: int) -> bool: ...


class Feed(Protocol):
    def emit(self, event: str, data: Mapping[str, Any]) -> None: ...


class MoneyWatch:
    """Ends the AI's turns for today when they have cost `cap_micros`, and begins them again."""

    def __init__(self, spending: Spending, feed: Feed, *, cap_micros: int) -> None:
        self._spending = spending
        self._feed = feed
        self._cap_micros = cap_micros

    async def look(self) -> None:
        if await self._spending.settle(self._cap_micros):
            log.warning("money.day_changed", cap_micros=self._cap_micros)
            self._feed.emit("system", {})
