"""Figures of a run and their comparison: medians, percentiles, ratios, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from typing_extensions import override


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, `share` in 0..1; raises ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[min(rank, len(ordered)) - 1]


def summary(milliseconds: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and worst, in milliseconds; empty without values."""
    if not milliseconds:
        return {}
    return {
        name: round(percentile(milliseconds, share), 2)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1.0))
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """At least or at most so much, in the unit of the row's `value`."""

    bound: float
    at_least: bool

    def met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    @override
    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: `value` is what the goal is about, mostly a ratio of `ours` to `reference`."""

    what: str
    unit: str
    ours: float
    reference: float | None = None
    value: float | None = None
    value_unit: str = "×"
    goal: Goal | None = None
    note: str = ""
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """None without a goal."""
        if self.goal is None or self.value is None:
            return None
        return self.goal.met(self.value)

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["goal"] = None if self.goal is None else str(self.goal)
        return data | {"met": self.met}


def ratio_row(
    what: str,
    unit: str,
    ours: float,
    reference: float,
    goal: Goal | None = None,
    *,
    note: str = "",
    raw: dict[str, Any] | None = None,
) -> Row:
    """A row whose value is `ours / reference`."""
    return Row(
        what=what,
        unit=unit,
        ours=round(ours, 2),
        reference=round(reference, 2),
        value=round(ours / reference, 3) if reference else None,
        goal=goal,
        note=note,
        raw=raw or {},
    )


def absolute_row(
    *,
    what: str,
    unit: str,
    ours: float,
    goal: Goal,
    note: str = "",
    raw: dict[str, Any] | None = None,
) -> Row:
    """A row without a reference: the goal is about our figure itself."""
    return Row(
        what=what, unit=unit, ours=ours, value=ours, value_unit=unit, goal=goal, note=note, raw=raw or {}
    )  # fmt: skip
