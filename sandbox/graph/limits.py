"""Meta's rates: per number (sent and received together), per pair, per portfolio and day."""

from __future__ import annotations

import time
from collections import deque

from sandbox.faults import TIER_SIZE, Faults
from sandbox.graph.errors import GraphError
from sandbox.numbers import Number
from sandbox.people import Customer

PAIR_EVERY_S = 6.0
PAIR_BURST = 45
DAY_S = 24 * 3600.0
FULL = (
    "In order to maintain a healthy ecosystem engagement, the number of people this portfolio may"
    " start conversations with in 24 hours is limited."
)


class Limits:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._sends: dict[str, deque[float]] = {}
        self._pairs: dict[tuple[str, str], float] = {}
        self._reached: dict[str, float] = {}

    def count_inbound(self, number: Number) -> None:
        """Received messages use the number's throughput, too."""
        self._sends.setdefault(number.id, deque()).append(time.monotonic())

    def check_throughput(self, number: Number) -> None:
        now = time.monotonic()
        window = self._sends.setdefault(number.id, deque())
        while window and window[0] <= now - 1.0:
            window.popleft()
        if self._faults.enforce_throughput and len(window) >= number.mps:
            raise GraphError(130429, "Cloud API message throughput has been reached.")
        window.append(now)

    def check_pair(self, number: Number, customer: str) -> None:
        """One message per 6 s, a burst of 45 borrowed from the future (GCRA)."""
        if not self._faults.enforce_pair_rate:
            return
        now = time.monotonic()
        key = (number.id, customer)
        arrival = max(now, self._pairs.get(key, now))
        if arrival - now > (PAIR_BURST - 1) * PAIR_EVERY_S:
            raise GraphError(
                131056, "Too many messages sent from this phone number to the same phone number in a short"
                " period of time."
            )  # fmt: skip
        self._pairs[key] = arrival + PAIR_EVERY_S

    def check_portfolio(self, customer: Customer, *, window_open: bool) -> None:
        """Distinct people outside a window in rolling 24 h, over all numbers."""
        if window_open or not self._faults.enforce_portfolio:
            return
        now = time.time()
        if self._reached.get(customer.id, 0.0) > now - DAY_S:
            return
        if len(self._reached) >= TIER_SIZE[self._faults.tier]:
            self._reached = {k: at for k, at in self._reached.items() if at > now - DAY_S}
            if len(self._reached) >= TIER_SIZE[self._faults.tier]:
                raise GraphError(131048, FULL)
        self._reached[customer.id] = now

    def reached_today(self) -> int:
        floor = time.time() - DAY_S
        return sum(at > floor for at in self._reached.values())

    def clear(self) -> None:
        self._sends.clear()
        self._pairs.clear()
        self._reached.clear()
