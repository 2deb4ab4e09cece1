"""A physical number's health: what errors, quality and Meta's status say of it. Pure.

healthy → new and old threads; degraded (yellow, red) → old threads only, while others exist;
paused → nothing leaves until the quarantine ends; banned → nothing leaves until a person acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.ids import FacadeId, PhysicalNumberId


class NumberState(StrEnum):
    ACTIVE = "active"
    #: Keeps its threads and takes no new ones: an operator's wish.
    DRAINING = "draining"
    QUARANTINED = "quarantined"
    DISABLED = "disabled"


class NumberHealth(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    PAUSED = "paused"
    BANNED = "banned"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalNumber:
    phone_number_id: PhysicalNumberId
    facade_id: FacadeId
    is_facade: bool
    display_phone: str
    traffic_classes: Sequence[str]
    weight: int
    state: NumberState
    health: NumberHealth
    health_reason: str
    quarantined_until: datetime | None
    quality: str
    meta_status: str
    #: Threads of the last 24 hours that stick to this number.
    open_threads: int

    @property
    def can_send(self) -> bool:
        return self.state in {NumberState.ACTIVE, NumberState.DRAINING} and self.health not in {
            NumberHealth.PAUSED,
            NumberHealth.BANNED,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A refusal that concerns the number or its account, not the message."""

    at: datetime
    code: int | None
    scope: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a number's state should be now, and why, in the words an operator reads."""

    state: NumberState
    health: NumberHealth
    reason: str
    quarantined_until: datetime | None


#: Meta's `status` values that end sending until a person mends them.
_DEAD = frozenset({"BANNED", "DELETED", "DISCONNECTED", "UNLINKED"})
#: … and those that stop it for a while.
_RESTRICTED = frozenset({"RESTRICTED", "RATE_LIMITED", "MIGRATED", "PENDING", "UNVERIFIED"})

TROUBLE_WINDOW = timedelta(minutes=5)
TROUBLE_MAX = 5
QUARANTINE = timedelta(minutes=30)


def judge(number: PhysicalNumber, troubles: Sequence[Trouble], now: datetime) -> Verdict:
    """The number's state by its newest signals; a person's wish (draining, disabled) stands."""
    if number.state is NumberState.DISABLED:
        return _stay(number)
    if number.meta_status in _DEAD:
        return Verdict(
            state=NumberState.QUARANTINED,
            health=NumberHealth.BANNED,
            reason=f"status na Meta: {number.meta_status}",
            quarantined_until=None,
        )
    recent = [t for t in troubles if now - t.at <= TROUBLE_WINDOW]
    stopped = [t for t in recent if t.scope in {"number", "account"}]
    if stopped:
        return _quarantine(stopped[-1].reason, stopped[-1].at + QUARANTINE)
    if number.quarantined_until is not None and number.quarantined_until > now:
        return _stay(number)
    if number.meta_status in _RESTRICTED:
        return _quarantine(f"status na Meta: {number.meta_status}", now + QUARANTINE)
    state = NumberState.DRAINING if number.state is NumberState.DRAINING else NumberState.ACTIVE
    if number.quality in {"RED", "YELLOW"}:
        reason = f"qualidade {number.quality} na Meta: só conversas que já estão nele"
        return Verdict(
            state=state, health=NumberHealth.DEGRADED, reason=reason, quarantined_until=None
        )
    if len(recent) >= TROUBLE_MAX:
        reason = f"{len(recent)} recusas em 5 minutos"
        return Verdict(
            state=state, health=NumberHealth.DEGRADED, reason=reason, quarantined_until=None
        )
    return Verdict(state=state, health=NumberHealth.HEALTHY, reason="", quarantined_until=None)


def _quarantine(reason: str, until: datetime) -> Verdict:
    return Verdict(
        state=NumberState.QUARANTINED,
        health=NumberHealth.PAUSED,
        reason=reason,
        quarantined_until=until,
    )


def _stay(number: PhysicalNumber) -> Verdict:
    return Verdict(
        state=number.state,
        health=number.health,
        reason=number.health_reason,
        quarantined_until=number.quarantined_until,
    )
