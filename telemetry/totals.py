"""What a process counts, as amounts that can be added to the house's totals.

A process lives shorter than its counters: with every beat it hands on what it counted since the last
one. A restart loses at most those seconds; a beat whose fate is unknown may count them twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

_SUMMED: Final = frozenset({"counter", "histogram"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One series: Prometheus' sample name, and its label values as JSON with sorted names."""

    name: str
    labels: str = "{}"


class Unstored:
    """What this process has counted and not handed on yet."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._stored: dict[Sample, float] = {}

    def amounts(self) -> dict[Sample, float]:
        return {
            sample: value - self._stored.get(sample, 0.0)
            for sample, value in _samples(self._registry)
            if value != self._stored.get(sample, 0.0)
        }

    def mark_stored(self, amounts: Mapping[Sample, float]) -> None:
        for sample, amount in amounts.items():
            self._stored[sample] = self._stored.get(sample, 0.0) + amount


class Totals(Collector):
    """The metrics declared in `registry` with the house's values instead of this process's."""

    def __init__(self, registry: CollectorRegistry, totals: Mapping[Sample, float]) -> None:
        self._registry = registry
        self._totals = totals

    @override
    def collect(self) -> Iterator[Metric]:
        by_name: dict[str, list[tuple[dict[str, str], float]]] = {}
        for sample, value in self._totals.items():
            by_name.setdefault(sample.name, []).append((json.loads(sample.labels), value))
        for declared in self._registry.collect():
            if declared.type not in _SUMMED:
                yield declared
                continue
            metric = Metric(declared.name, declared.documentation, declared.type)
            for name in _sample_names(declared):
                for labels, value in sorted(by_name.get(name, ()), key=_order):
                    metric.add_sample(name, labels, value)
            yield metric


def added(*many: Mapping[Sample, float]) -> dict[Sample, float]:
    """The sum of several sets of amounts."""
    total: dict[Sample, float] = {}
    for one in many:
        for sample, value in one.items():
            total[sample] = total.get(sample, 0.0) + value
    return total


def by_label(totals: Mapping[Sample, float], name: str, label: str) -> dict[str, int]:
    """One counter by the values of its label."""
    return {
        json.loads(sample.labels)[label]: int(value)
        for sample, value in totals.items()
        if sample.name == name
    }


def _samples(registry: CollectorRegistry) -> Iterable[tuple[Sample, float]]:
    for metric in registry.collect():
        if metric.type not in _SUMMED:
            continue
        names = _sample_names(metric)
        for one in metric.samples:
            if one.name in names:
                labels = json.dumps(one.labels, sort_keys=True)
                yield Sample(name=one.name, labels=labels), one.value


def _sample_names(metric: Metric) -> tuple[str, ...]:
    """Those that may be summed; when a counter was created is each process's own."""
    if metric.type == "counter":
        return (f"{metric.name}_total",)
    return tuple(f"{metric.name}_{part}" for part in ("bucket", "count", "sum"))


def _order(sample: tuple[dict[str, str], float]) -> tuple[list[tuple[str, str]], float]:
    """By labels, and a histogram's buckets by their bound, which is what readers expect."""
    labels, _ = sample
    plain = sorted((name, value) for name, value in labels.items() if name != "le")
    return plain, float(labels.get("le", "0"))
