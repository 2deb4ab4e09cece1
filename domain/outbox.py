"""A row of the outbox and what may become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.ids import AttemptId, ContactId, ConversationId, MessageId, OutboxId, PhysicalNumberId


class OutboxState(StrEnum):
    QUEUED = "queued"
    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    #: Posted, and nobody knows whether Meta took it.
    UNKNOWN = "unknown"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
    #: Waits for a person: "send again" or "it arrived".
    PARKED = "parked"


class ClaimVerdict(StrEnum):
    """Why a row may leave now, or may not. Names are those of `claim_send_v3`."""

    CLAIMED = "claimed"
    GONE = "gone"
    SETTLED = "settled"
    NOT_DUE = "not_due"
    FENCED = "fenced"
    PAUSED = "paused"
    NOT_NEXT = "not_next"
    WAITS_FOR_SENT = "waits_for_sent"
    DECISION_EXPIRED = "decision_expired"
    REPLIES_ONLY = "replies_only"
    LOOP_CAP = "loop_cap"
    WINDOW_CLOSED = "window_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    verdict: ClaimVerdict
    attempt_n: int
    retry_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message waiting to leave, with the address and number it would leave by."""

    id: OutboxId
    conversation_id: ConversationId
    contact_id: ContactId
    message_id: MessageId
    author: str
    content: Mapping[str, Any]
    reply_to_wamid: str | None
    position: int
    attempts: int
    carries_money: bool
    business_initiated: bool
    phone_number_id: PhysicalNumberId | None
    number_reason: str
    number_pace: int
    number_usable: bool
    wa_id: str | None
    bsuid: str | None
    last_inbound_wamid: str | None
    not_before: datetime
    db_now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    attempt_id: AttemptId
    outbox_id: OutboxId
    wamid: str
    wa_id: str | None
    http_status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAccepted:
    """What an attempt came to when Meta did not take it, and what follows for the row.

    `outcome` rejected | unknown | not_sent; `next_state` queued (with `retry_after_s`), unknown,
    failed or parked.
    """

    attempt_id: AttemptId
    outbox_id: OutboxId
    outcome: str
    next_state: OutboxState
    retry_after_s: float
    reason: str
    http_status: int | None
    code: int | None
    detail: str
