"""GET /invariants: what the clock found when it last asked whether the house keeps its promises."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from api.access import Act, check_may
from api.answers import InvariantAnswer, Page
from api.deps import Parts
from api.identity import Caller
from storage.invariants import Invariants
from telemetry.invariants import INVARIANTS, InvariantName

router: Final = APIRouter(tags=["house"])


@router.get("/invariants")
async def show_invariants(caller: Caller, parts: Parts) -> Page[InvariantAnswer]:
    """Each sentence with what violates it; what is violated now comes first, the worst of it first.

    The clock looks once a minute. `checked_at` null: it has not looked yet.
    """
    check_may(caller, Act.READ_METRICS)
    found = {one.name: one for one in await Invariants(parts.pool).list_findings()}
    items = []
    for name, invariant in INVARIANTS.items():
        last = found.get(name)
        items.append(
            InvariantAnswer(
                name=name,
                severity=invariant.severity,
                holds=invariant.holds,
                remedy=invariant.remedy,
                of=invariant.of,
                violations=0 if last is None else last.violations,
                ids=[] if last is None else last.ids,
                since=None if last is None else last.since,
                unchecked=None if last is None else last.unchecked,
                checked_at=None if last is None else last.checked_at,
            )
        )
    order = list(InvariantName)
    items.sort(key=lambda i: (i.violations == 0, i.severity != "critical", order.index(i.name)))
    return Page[InvariantAnswer](items=items)
