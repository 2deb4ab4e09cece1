"""What may be said to the NumberPool actor; plain and picklable."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseNumber:
    conversation_id: UUID
    traffic_class: str
    #: The number the contact last wrote to; None for a thread we begin.
    written_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenNumber:
    phone_number_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSignal:
    """A refusal by Meta; `scope` says how far the trouble reaches (see the table of codes).

    `stops`: the number or account must stop until that is mended; else it is only worth counting.
    """

    phone_number_id: str
    code: int | None
    scope: str
    stops: bool
    reason: str
