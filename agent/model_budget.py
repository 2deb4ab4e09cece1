"""The time all model calls of one turn may take together."""

from __future__ import annotations

import time
from datetime import timedelta


class ModelBudget:
    """Counts down from its making, on the monotonic clock."""

    def __init__(self, total: timedelta) -> None:
        self._until = time.monotonic() + total.total_seconds()

    @property
    def left_s(self) -> float:
        return max(self._until - time.monotonic(), 0.0)
