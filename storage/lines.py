"""Which façade and account a phone_number_id belongs to, remembered in the process."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from storage.numbers import Line, NumberStore

#: An unknown number is asked for again after this long: a new one may have been added meanwhile.
_ASK_AGAIN_S: Final = 5.0


class Lines:
    """A read-through copy of the numbers' belonging, which changes only when people add numbers."""

    def __init__(self, store: NumberStore) -> None:
        self._store = store
        self._lines: dict[str, Line] = {}
        self._asked_at = float("-inf")

    async def ensure(self, phone_number_ids: Iterable[str]) -> None:
        """Reads the table again when one of these is not known, at most every few seconds."""
        unknown = [n for n in phone_number_ids if n not in self._lines]
        if unknown and time.monotonic() - self._asked_at > _ASK_AGAIN_S:
            self._lines = await self._store.list_lines()
            self._asked_at = time.monotonic()

    def find(self, phone_number_id: str | None) -> Line | None:
        return self._lines.get(phone_number_id or "")
