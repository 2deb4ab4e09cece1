"""When the AI passes a conversation to a person, and what it may still say while the person is awaited."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class HandoffKind(StrEnum):
    """Why a person is needed; decides what the AI may do until one accepts."""

    WISH = "wish"
    ANGER = "anger"
    DISPUTE = "dispute"
    COMPLEXITY = "complexity"
    QUALIFIED = "qualified"


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Silence(StrEnum):
    """What the AI may do while the conversation is queued."""

    #: It keeps answering what it may.
    NONE = "none"
    #: It only says that the message arrived, and the place in the queue.
    ACKNOWLEDGE = "acknowledge"


QUALIFIED_ABOVE: Final = 0.8
"""A score strictly above this makes the lead one for a person."""

_SILENT: Final = frozenset({HandoffKind.WISH, HandoffKind.ANGER, HandoffKind.DISPUTE})

_PRIORITY: Final = {
    HandoffKind.WISH: Priority.NORMAL,
    HandoffKind.ANGER: Priority.HIGH,
    HandoffKind.DISPUTE: Priority.HIGH,
    HandoffKind.COMPLEXITY: Priority.NORMAL,
    HandoffKind.QUALIFIED: Priority.HIGH,
}

_REASON: Final = {
    HandoffKind.WISH: "pediu para falar com uma pessoa",
    HandoffKind.ANGER: "cliente irritado",
    HandoffKind.DISPUTE: "contestação",
    HandoffKind.COMPLEXITY: "assunto complexo",
    HandoffKind.QUALIFIED: "lead qualificado",
}


def silence_for(kind: HandoffKind) -> Silence:
    """After anger, a dispute or an explicit wish the AI only acknowledges."""
    return Silence.ACKNOWLEDGE if kind in _SILENT else Silence.NONE


def priority_for(kind: HandoffKind) -> Priority:
    return _PRIORITY[kind]


def reason_for(kind: HandoffKind) -> str:
    """The words an operator reads in the queue when nobody gave better ones."""
    return _REASON[kind]


def is_qualified(score: float) -> bool:
    return score > QUALIFIED_ABOVE
