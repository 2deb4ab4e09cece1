"""Which physical number speaks for the façade in this thread, and why. Pure.

One thread, one number: the answer leaves by the number the contact last wrote to. Only a thread
without one, or one whose number cannot send, is given another: the least loaded by weight among the
healthy numbers of its traffic class, then among the degraded ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.ids import PhysicalNumberId
from domain.number import NumberHealth, NumberState, PhysicalNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The number, with the reason an operator reads."""

    phone_number_id: PhysicalNumberId
    reason: str


def choose_number(
    numbers: Sequence[PhysicalNumber],
    *,
    traffic_class: str,
    written_to: PhysicalNumberId | None,
) -> Choice | None:
    """None when nothing may send for this thread now: it waits, and a person is alerted."""
    own = next((n for n in numbers if n.phone_number_id == written_to), None)
    if own is not None:
        # A sick number keeps its threads; a blocked one's wait, and move only by a governed template.
        return Choice(
            phone_number_id=own.phone_number_id,
            reason=f"o cliente escreveu para {own.display_phone or own.phone_number_id}",
        )
    candidates = [
        n
        for n in numbers
        if traffic_class in n.traffic_classes and n.state is NumberState.ACTIVE and n.can_send
    ]
    healthy = [n for n in candidates if n.health is NumberHealth.HEALTHY]
    pool = healthy or candidates
    if not pool:
        return None
    best = min(pool, key=lambda n: (n.open_threads / n.weight, not n.is_facade, n.phone_number_id))
    load = f"{best.open_threads} conversas, peso {best.weight}"
    why = "menor carga entre os saudáveis" if healthy else "nenhum saudável: menor carga"
    if len(pool) == 1:
        why = "único número desta classe"
    return Choice(
        phone_number_id=best.phone_number_id,
        reason=f"{why} ({traffic_class}: {load})",
    )
