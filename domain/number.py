"""A physical number's health: what errors, quality, its account and Meta's status say of it. Pure.

healthy → new and old threads; degraded (yellow, red) → old threads only, while others exist;
paused → nothing leaves until the quarantine ends; banned → nothing leaves until Meta or a person acts.

What a person wishes of a number (`Wish`) and what the pool judges of it (`NumberHealth`) are two
things; its state is what follows from both, and neither ever overwrites the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.account import AccountStanding, Standing
from domain.ids import AccountId, FacadeId, PhysicalNumberId


class Wish(StrEnum):
    """What a person wants of a number."""

    ACTIVE = "active"
    #: Keeps its threads and takes no new ones.
    DRAINING = "draining"
    DISABLED = "disabled"


class NumberState(StrEnum):
    """What a number does now: its wish, unless its health forbids that."""

    ACTIVE = "active"
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
    account_id: AccountId
    facade_id: FacadeId
    is_facade: bool
    display_phone: str
    traffic_classes: Sequence[str]
    weight: int
    wish: Wish
    #: When a person last said that it may send; refusals before that no longer count.
    activated_at: datetime | None
    health: NumberHealth
    health_reason: str
    quarantined_until: datetime | None
    #: Nothing that we begin may leave by it; replies may.
    replies_only: bool
    quality: str
    meta_status: str
    account: AccountStanding
    #: Threads of the last 24 hours that stick to this number.
    open_threads: int

    @property
    def state(self) -> NumberState:
        if self.wish is not Wish.DISABLED and self.health in _STOPPED:
            return NumberState.QUARANTINED
        return NumberState(self.wish)

    @property
    def can_send(self) -> bool:
        return self.state in {NumberState.ACTIVE, NumberState.DRAINING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A refusal by Meta. `stops`: the number or its account is the trouble, not the message."""

    at: datetime
    code: int | None
    scope: str
    stops: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a number's health should be now, and why, in the words an operator reads."""

    health: NumberHealth
    reason: str = ""
    quarantined_until: datetime | None = None
    replies_only: bool = False


_STOPPED = frozenset({NumberHealth.PAUSED, NumberHealth.BANNED})
#: Meta's `status` values that end sending until a person mends them.
_DEAD = frozenset({"BANNED", "DELETED", "DISCONNECTED", "UNLINKED"})
#: … those that stop it for a while …
_HELD = frozenset({"RATE_LIMITED", "MIGRATED", "PENDING", "UNVERIFIED"})
#: … and the one that stops only what the business begins.
_RESTRICTED = "RESTRICTED"

TROUBLE_WINDOW = timedelta(minutes=5)
TROUBLE_MAX = 5
QUARANTINE = timedelta(minutes=30)


def judge(number: PhysicalNumber, troubles: Sequence[Trouble], now: datetime) -> Verdict:
    """The number's health by its newest signals."""
    standing = number.account.now(now)
    replies_only = standing is Standing.RESTRICTED or number.meta_status == _RESTRICTED
    if number.meta_status in _DEAD:
        return Verdict(health=NumberHealth.BANNED, reason=_status(number))
    if standing is Standing.DISABLED:
        return Verdict(health=NumberHealth.BANNED, reason=number.account.reason)
    recent = [t for t in troubles if _counts(t, number, now)]
    stopped = [t for t in recent if t.stops]
    if stopped:
        until = stopped[-1].at + QUARANTINE
        return Verdict(
            health=NumberHealth.PAUSED, reason=stopped[-1].reason, quarantined_until=until
        )
    if number.quarantined_until is not None and number.quarantined_until > now:
        return Verdict(
            health=number.health,
            reason=number.health_reason,
            quarantined_until=number.quarantined_until,
            replies_only=replies_only,
        )
    if number.meta_status in _HELD:
        until = now + QUARANTINE
        return Verdict(health=NumberHealth.PAUSED, reason=_status(number), quarantined_until=until)
    reason = _degraded(number, recent, standing)
    return Verdict(
        health=NumberHealth.DEGRADED if reason else NumberHealth.HEALTHY,
        reason=reason,
        replies_only=replies_only,
    )


def _counts(trouble: Trouble, number: PhysicalNumber, now: datetime) -> bool:
    forgiven = number.activated_at is not None and trouble.at <= number.activated_at
    return now - trouble.at <= TROUBLE_WINDOW and not forgiven


def _degraded(number: PhysicalNumber, recent: Sequence[Trouble], standing: Standing) -> str:
    """Why it should take no new threads while others can; empty when nothing speaks against it."""
    if standing is Standing.RESTRICTED:
        return number.account.reason
    if number.meta_status == _RESTRICTED:
        return f"{_status(number)}: só respostas saem"
    if number.quality in {"RED", "YELLOW"}:
        return f"qualidade {number.quality} na Meta: só conversas que já estão nele"
    return f"{len(recent)} recusas em 5 minutos" if len(recent) >= TROUBLE_MAX else ""


def _status(number: PhysicalNumber) -> str:
    return f"status na Meta: {number.meta_status}"
