"""Time is handed in: the only place of the product that asks the machine what time it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Every value is an aware datetime in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock. Order and fencing never rest on it: those use PostgreSQL's."""

    def now(self) -> datetime:
        return datetime.now(UTC)
