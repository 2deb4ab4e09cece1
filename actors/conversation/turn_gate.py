"""How many turns of one host may run at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TurnGate:
    """Places for turns; who waits longest is next. Waiting costs neither a connection nor a model."""

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[bool]:
        """Holds a place. True: it was waited for, so what was read before is old."""
        waited = self._places.locked()
        async with self._places:
            yield waited
