"""How far a message got. A lattice: joining what was learned in any order ends in the same place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import reduce
from types import MappingProxyType
from typing import Final


class DeliveryStatus(StrEnum):
    """The status of one message; `RECEIVED` is the contact's own, every other one is ours."""

    RECEIVED = "received"
    QUEUED = "queued"
    UNKNOWN = "unknown"  # posted, and nobody could tell us what became of it
    PARKED = "parked"  # waits for a person's decision
    WITHDRAWN = "withdrawn"  # will not be sent
    ACCEPTED = "accepted"  # Meta answered 200: taken, not delivered
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"


RANK: Final[Mapping[DeliveryStatus, int]] = MappingProxyType(
    {
        DeliveryStatus.QUEUED: 0,
        DeliveryStatus.UNKNOWN: 10,
        DeliveryStatus.PARKED: 20,
        DeliveryStatus.WITHDRAWN: 30,
        DeliveryStatus.ACCEPTED: 40,
        DeliveryStatus.SENT: 50,
        DeliveryStatus.FAILED: 60,
        DeliveryStatus.DELIVERED: 70,
        DeliveryStatus.READ: 80,
        DeliveryStatus.PLAYED: 90,
        DeliveryStatus.RECEIVED: 100,
    }
)
"""The order that SQL and `advance` share: a status is replaced only by one of a higher rank.

`FAILED` stands above `SENT` and below `DELIVERED`: a failure cannot undo a proven delivery, and a
proven delivery (read receipts included) overrules a failure that arrived before it.
"""

FROM_META: Final = frozenset(
    {
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.READ,
        DeliveryStatus.PLAYED,
        DeliveryStatus.FAILED,
    }
)
"""What a status webhook may say; each proves that the message had left us."""

REACHED: Final = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.READ, DeliveryStatus.PLAYED})
"""The contact's phone has it; `READ` implies `DELIVERED` even where that status never came."""


def advance(current: DeliveryStatus, new: DeliveryStatus) -> DeliveryStatus:
    """The status after learning `new`: forward or unchanged, never back. `RECEIVED` takes no part."""
    if DeliveryStatus.RECEIVED in {current, new}:
        return current
    return new if RANK[new] > RANK[current] else current


def settle(
    statuses: Iterable[DeliveryStatus], start: DeliveryStatus = DeliveryStatus.QUEUED
) -> DeliveryStatus:
    """Where a message stands after all of `statuses`, in whatever order they came."""
    return reduce(advance, statuses, start)
