"""What happens thousands of times under overload is logged once in a while, with its count."""

from __future__ import annotations

import time


class Seldom:
    """Counts occurrences; `count` says when it is time to tell how many there were."""

    def __init__(self, *, every_s: float = 10.0) -> None:
        self._every_s = every_s
        self._untold = 0
        self._told_at = float("-inf")

    def count(self) -> int | None:
        """How many there were since the last telling, this one included; None: not now."""
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at < self._every_s:
            return None
        untold, self._untold, self._told_at = self._untold, 0, now
        return untold
