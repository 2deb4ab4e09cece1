"""What may be said to the Ray actors that host conversations; plain and picklable."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RingConversations:
    """Doorbells of one flush for one host: (conversation, reason) pairs, no payload."""

    rings: tuple[tuple[UUID, str], ...]
