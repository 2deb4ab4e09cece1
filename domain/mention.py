"""What a text says about money: one figure, its exact value, and the words around it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.money import Money


class MentionKind(StrEnum):
    AMOUNT = "amount"
    PERCENT = "percent"
    INSTALMENTS = "instalments"
    DATE = "date"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class DayRef:
    """A day as it was written: month and year only when they were."""

    day: int
    month: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """`value`: Money, Decimal (percent), int (instalments), DayRef or None (unknown day), str (code).

    `sentence` and `quote` are in plain form. `bare`: only the sentence makes it money.
    """

    kind: MentionKind
    value: Money | Decimal | int | DayRef | str | None
    quote: str
    sentence: str
    bare: bool = False
    before: str = ""
