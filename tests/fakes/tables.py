"""The rows of storage/schema.sql that a conversation's life is written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import ContactId, ConversationId, FacadeId, OperatorId, PhysicalNumberId
from domain.outbox import OutboxState


@dataclass(slots=True, kw_only=True)
class ContactTable:
    id: ContactId
    #: The newest of the numbers it is known by, and its business-scoped id.
    wa_id: str | None = None
    bsuid: str | None = None
    merged_into: ContactId | None = None
    name: str = ""
    company: str = ""
    profile: dict[str, Any] = field(default_factory=dict)
    contactability_version: int = 1
    ai_consent: str = "none"


@dataclass(slots=True, kw_only=True)
class ConsentTable:
    contact_id: ContactId
    state: str
    asked_message_id: UUID | None


@dataclass(slots=True, kw_only=True)
class ConversationTable:
    id: ConversationId
    facade_id: FacadeId
    contact_id: ContactId
    mode: str = "agent"
    epoch: int = 1
    version: int = 1
    assignee_id: OperatorId | None = None
    sticky_number: PhysicalNumberId | None = None
    sticky_reason: str = ""
    last_inbound_number: PhysicalNumberId | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None
    origin: Mapping[str, Any] = field(default_factory=lambda: {"kind": "direct"})
    handled_up_to: int = 0
    unread_count: int = 0
    cost_micros: int = 0
    last_message_at: datetime | None = None
    merged_into: ConversationId | None = None

    @property
    def number(self) -> PhysicalNumberId | None:
        """`thread_number_v1`: the one its next message leaves by."""
        return self.sticky_number or self.last_inbound_number


@dataclass(slots=True, kw_only=True)
class EventTable:
    seq: int
    id: UUID
    dedupe_key: str
    kind: str
    conversation_id: ConversationId
    payload: Mapping[str, Any]
    sent_at: datetime
    received_at: datetime
    phone_number_id: PhysicalNumberId | None = None
    wamid: str | None = None
    message_id: UUID | None = None
    worked_at: datetime | None = None
    outcome: str | None = None
    turn_id: UUID | None = None
    attempts: int = 0
    left_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class MessageTable:
    seq: int
    id: UUID
    conversation_id: ConversationId
    direction: str
    author: str
    content: Mapping[str, Any]
    body: str
    status: str
    sent_at: datetime
    operator_id: OperatorId | None = None
    wamid: str | None = None
    reply_to_wamid: str | None = None
    phone_number_id: PhysicalNumberId | None = None
    turn_id: UUID | None = None
    error: Mapping[str, Any] | None = None


@dataclass(slots=True, kw_only=True)
class StatusTable:
    seq: int
    dedupe_key: str
    wamid: str
    status: str
    attempt_id: UUID | None
    at: datetime
    payload: Mapping[str, Any]
    received_at: datetime
    applied_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class OutboxTable:
    seq: int
    id: UUID
    conversation_id: ConversationId
    contact_id: ContactId
    message_id: UUID
    author: str
    epoch: int
    content: Mapping[str, Any]
    not_before: datetime
    created_at: datetime
    turn_id: UUID | None = None
    position: int = 0
    reply_to_wamid: str | None = None
    phone_number_id: PhysicalNumberId | None = None
    carries_money: bool = False
    business_initiated: bool = False
    decision_id: UUID | None = None
    state: str = OutboxState.QUEUED
    reason: str = ""
    attempts: int = 0
    possible_duplicate: bool = False
    claimed_at: datetime | None = None
    settled_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class AttemptTable:
    id: UUID
    outbox_id: UUID
    n: int
    phone_number_id: PhysicalNumberId
    sender: str
    outcome: str | None = None
    wamid: str | None = None
    code: int | None = None


@dataclass(slots=True, kw_only=True)
class DecisionTable:
    id: UUID
    contact_id: ContactId
    contactability_version: int
    valid_until: datetime


@dataclass(slots=True, kw_only=True)
class TimerTable:
    id: UUID
    conversation_id: ConversationId
    kind: str
    key: str
    due_at: datetime
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class HandoffTable:
    id: UUID
    conversation_id: ConversationId
    reason: str
    priority: str
    raised_by: str
    queued_at: datetime
    silence: str = "none"
    brief: Mapping[str, Any] = field(default_factory=dict)
    state: str = "queued"
    accepted_by: OperatorId | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {"queued", "accepted"}


@dataclass(slots=True, kw_only=True)
class TurnTable:
    id: UUID
    conversation_id: ConversationId
    state: str
    inputs: tuple[str, ...]
    cost_micros: int
    started_at: datetime


@dataclass(slots=True, kw_only=True)
class NumberTable:
    phone_number_id: PhysicalNumberId
    state: str = "active"
    health: str = "healthy"
    messages_per_second: int = 80
    replies_only: bool = False

    @property
    def stopped(self) -> bool:
        return self.state in {"quarantined", "disabled"} or self.health in {"banned", "paused"}

    @property
    def usable(self) -> bool:
        return self.state in {"active", "draining"} and self.health not in {"banned", "paused"}
