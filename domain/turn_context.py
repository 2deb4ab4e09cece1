"""The context document of a turn: everything the AI is told, in one typed and readable value.

What a person of ours said and what was answered before is `history`: context, never pending work.
Only `pending` waits for an answer. The why-panel shows `to_json()` as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from domain.handoff import Silence

HISTORY_MESSAGES: Final = 40
HISTORY_CHARS: Final = 12_000
#: Old messages leave in steps of this many, so that the cached prefix survives most turns.
HISTORY_STEP: Final = 10


class Author(StrEnum):
    CONTACT = "contact"
    AGENT = "agent"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    name: str
    company: str = ""
    #: Masked: the model never needs the whole number.
    phone: str = ""
    profile: Mapping[str, Any] = field(default_factory=dict)
    consent: str = "none"
    right_party: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    purpose: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedHandoff:
    """A hand-off that waits for a person. `position` counts from 1; None when it is not known."""

    reason: str
    silence: Silence = Silence.NONE
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationFacts:
    mode: str = "agent"
    score: float | None = None
    #: What the agent kept from earlier turns (`AgentTurn.state`).
    state: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, Any] = field(default_factory=dict)
    case: CaseFacts | None = None
    handoff: QueuedHandoff | None = None
    #: When people of ours answer, as the contact should read it.
    hours: str = ""
    operators_online: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    author: Author
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingMessage:
    """A message to answer. `quoted`: the text of the message it replies to, if it names one."""

    text: str
    at: datetime
    kind: str = "text"
    quoted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmNote:
    author: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmCall:
    subject: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastInteractions:
    notes: tuple[CrmNote, ...] = ()
    calls: tuple[CrmCall, ...] = ()
    cases: tuple[CaseFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnContext:
    """One turn's document. `now` is aware and in the contact's own zone."""

    company: str
    now: datetime
    contact: ContactFacts
    pending: tuple[PendingMessage, ...]
    conversation: ConversationFacts = field(default_factory=ConversationFacts)
    history: tuple[HistoryEntry, ...] = ()
    #: Messages before `history` that no longer fit.
    older_count: int = 0
    past: PastInteractions = field(default_factory=PastInteractions)
    channel: str = "whatsapp"

    def to_json(self) -> dict[str, Any]:
        """The whole document as JSON values, times in ISO 8601 with their offset."""
        return {f.name: _json(getattr(self, f.name)) for f in fields(self)}


def trimmed(
    entries: Sequence[HistoryEntry],
    *,
    max_count: int = HISTORY_MESSAGES,
    max_chars: int = HISTORY_CHARS,
) -> tuple[tuple[HistoryEntry, ...], int]:
    """The newest entries that fit the budget, oldest first, and how many were left out.

    Entries leave in steps of HISTORY_STEP: between two steps the beginning stays the same, and with
    it the part of the request that the model's cache holds. The newest one is always kept.
    """
    drop = 0
    while drop < len(entries) and not _fits(entries[drop:], max_count, max_chars):
        drop += HISTORY_STEP
    drop = min(drop, max(len(entries) - 1, 0))
    return tuple(entries[drop:]), drop


def _fits(entries: Sequence[HistoryEntry], max_count: int, max_chars: int) -> bool:
    return len(entries) <= max_count and sum(len(e.text) for e in entries) <= max_chars


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if is_dataclass(value):
        return {f.name: _json(getattr(value, f.name)) for f in fields(value)}
    return value
