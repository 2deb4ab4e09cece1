"""Caps on the money the model may cost: beyond them the AI rests and a person answers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

#: Key of the conversation's state: when the contact was last told that a person takes over.
TOLD_AT = "over_budget_told_at"
_DAY = timedelta(days=1)


class Budget(StrEnum):
    """Whose money is spent."""

    CONVERSATION = "conversation"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the model has cost, in micro-dollars; `day_is_spent`: the whole house's money of today."""

    conversation_micros: int = 0
    day_is_spent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyCap:
    """The most one conversation may cost within 24 hours, in micro-dollars."""

    conversation_micros: int

    def spent(self, spending: Spending) -> Budget | None:
        """Which budget is spent; None: another turn may be paid for."""
        if spending.conversation_micros >= self.conversation_micros:
            return Budget.CONVERSATION
        return Budget.DAY if spending.day_is_spent else None


def was_told(state: Mapping[str, Any], now: datetime) -> bool:
    """Whether the contact has heard within a day that a person takes over."""
    told_at = state.get(TOLD_AT)
    return told_at is not None and datetime.fromisoformat(str(told_at)) + _DAY > now
