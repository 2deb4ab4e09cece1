"""The doorbell: a hint that a conversation has something to look at.

It carries ids, never payload, so it is safe to lose, repeat or reorder: what it points to is in
PostgreSQL, and the sweeper rings again for what was stored and not worked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.ids import ConversationId


class RingReason(StrEnum):
    #: Something to work is in the inbox.
    MESSAGE = "message"
    #: A person acted, or a merge: the epoch was raised and a running draft is worth nothing.
    FENCE = "fence"
    #: A row waits in the outbox.
    OUTBOX = "outbox"
    #: A whisper, approval or note: the draft should be thought again.
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    conversation_id: ConversationId
    reason: RingReason


class Doorbell(Protocol):
    """Rings conversations; never raises and never waits for the work it announces."""

    async def ring(self, rings: Sequence[Ring]) -> None: ...
