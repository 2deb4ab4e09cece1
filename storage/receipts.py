"""What goes into the durable inbox and what comes of it: requests as received, events as stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, MessageId, new_id
from domain.inbound import AppEcho, InboundItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One webhook request, or a part of one: its raw bytes and what they parsed into.

    `body` is None when the bytes are stored under `body_id` already.
    """

    body: bytes | None
    items: tuple[InboundItem, ...]
    at: datetime
    body_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    seq: int
    kind: str
    id: UUID
    conversation_id: ConversationId | None
    message_id: MessageId | None
    wamid: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was new in a flush: repeated updates leave no trace in it."""

    events: tuple[StoredEvent, ...] = ()
    statuses: tuple[int, ...] = ()
    house: frozenset[str] = frozenset()
    #: Conversations that a merge of two contacts fenced.
    merged: tuple[ConversationId, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def rings(self) -> tuple[Ring, ...]:
        """What to ring: a merge and an answer from the phone app fence, anything else is to be worked."""
        fences = [
            Ring(conversation_id=conversation_id, reason=reason)
            for conversation_id in self.merged
            for reason in (RingReason.FENCE, RingReason.OUTBOX)
        ]
        reasons: dict[ConversationId, RingReason] = {}
        for event in self.events:
            if event.conversation_id is None or event.outcome is not None:
                continue
            reasons.setdefault(event.conversation_id, RingReason.MESSAGE)
            if event.kind == AppEcho.kind:
                reasons[event.conversation_id] = RingReason.FENCE
        worked = [Ring(conversation_id=c, reason=reason) for c, reason in reasons.items()]
        return (*fences, *worked)
