"""A row of the outbox and what may become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
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
    """Why a row may leave now, or may not. Names are those of `claim_next_v1` and `claim_send_v2`."""

    CLAIMED = "claimed"
    #: Nothing waits.
    GONE = "gone"
    SETTLED = "settled"
    #: The number it would leave by cannot send now, or is not known.
    NO_NUMBER = "no_number"
    #: It would leave by another number than the one that was paced.
    OTHER_LANE = "other_lane"
    NOT_DUE = "not_due"
    FENCED = "fenced"
    PAUSED = "paused"
    NOT_NEXT = "not_next"
    WAITS_FOR_SENT = "waits_for_sent"
    DECISION_EXPIRED = "decision_expired"
    #: The notice about the AI that goes before it did not leave.
    NOT_NOTICED = "not_noticed"
    REPLIES_ONLY = "replies_only"
    LOOP_CAP = "loop_cap"
    WINDOW_CLOSED = "window_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Where a message is paced: the number it leaves by, and its pair with the contact."""

    phone_number_id: PhysicalNumberId
    contact_id: ContactId
    messages_per_second: int
    #: What we begin gives way to replies, so it is paced apart.
    business_initiated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """The next message of a conversation, with the address and the number it leaves by."""

    id: OutboxId
    conversation_id: ConversationId
    message_id: MessageId
    content: Mapping[str, Any]
    reply_to_wamid: str | None
    lane: Lane
    number_reason: str
    wa_id: str | None
    bsuid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What came of asking for a conversation's next message. Only CLAIMED may be posted.

    `row` is None when nothing waits or no number may send it. `retry_after`: how long it has to wait,
    where that is known.
    """

    verdict: ClaimVerdict
    row: OutboxRow | None = None
    attempt_n: int = 0
    retry_after: timedelta | None = None


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
