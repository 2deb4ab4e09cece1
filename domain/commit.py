"""What one fenced transaction writes: state, inbox done, messages, outbox, effects; or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.conversation import Mode
from domain.ids import (
    ConversationId,
    EventId,
    HandoffId,
    MessageId,
    OutboxId,
    PhysicalNumberId,
    TurnId,
)
from domain.turn import TurnState


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundDraft:
    """A message that will leave after the commit; `content` in the JSON of domain/content.py."""

    message_id: MessageId
    outbox_id: OutboxId
    author: str
    content: Mapping[str, Any]
    text: str
    position: int
    carries_money: bool = False
    reply_to_wamid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRecord:
    """The journal of one turn: what it read, asked, used, decided, cost and took (milliseconds)."""

    id: TurnId
    state: TurnState
    playbook: str
    inputs: Sequence[str]
    context: Mapping[str, Any]
    reply: Mapping[str, Any] | None
    model_calls: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    guardrails: Sequence[Mapping[str, Any]]
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_micros: int
    latency: Mapping[str, float]
    outcome: str
    actor: Mapping[str, Any]
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDraft:
    id: HandoffId
    reason: str
    priority: str
    silence: str
    brief: Mapping[str, Any]
    raised_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDraft:
    """A line of the consent history; `text_version` names the wording that left."""

    state: str
    text_version: str
    asked_message_id: MessageId | None = None
    answer_event_id: EventId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Everything one decision changes. Applied whole if `version` and `epoch` still hold."""

    conversation_id: ConversationId
    epoch: int
    version: int
    worked: Sequence[int] = ()
    outcome: str = ""
    #: Refuse when a message or a person's guidance newer than this arrived; None commits all the same.
    unless_newer_than: int | None = None
    turn: TurnRecord | None = None
    outbound: Sequence[OutboundDraft] = ()
    state: Mapping[str, Any] | None = None
    score: float | None = None
    mode: Mode | None = None
    sticky_number: PhysicalNumberId | None = None
    sticky_reason: str = ""
    notes: Sequence[str] = ()
    calls: Sequence[tuple[datetime, str]] = ()
    contact_changes: Mapping[str, str] = field(default_factory=dict)
    handoff: HandoffDraft | None = None
    consent: ConsentDraft | None = None


class CommitVerdict(StrEnum):
    COMMITTED = "committed"
    #: A newer message or a person's guidance came: think again.
    SUPERSEDED = "superseded"
    #: Somebody else committed first (a person, another owner): load again.
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitResult:
    """`pending`: whether events wait that this commit did not work; only COMMITTED can say no."""

    verdict: CommitVerdict
    pending: bool = True
