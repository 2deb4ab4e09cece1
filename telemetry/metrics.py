"""Every Prometheus metric, declared once.

Label values come from closed sets: never a contact, conversation or message. Counters are this process's own; the house's figures are read from the database when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

REGISTRY: Final = CollectorRegistry()

FEED_DROPPED: Final = Counter(
    "vitrine_feed_dropped_total",
    "Live events not published because Redis was away.",
    registry=REGISTRY,
)
RATE_LIMIT_SKIPPED: Final = Counter(
    "vitrine_rate_limit_skipped_total",
    "Requests let through unchecked because Redis was away.",
    registry=REGISTRY,
)
RATE_LIMITED: Final = Counter(
    "vitrine_rate_limited_total", "Requests answered 429.", ["limit"], registry=REGISTRY
)
HTTP_REQUESTS: Final = Counter(
    "vitrine_http_requests_total",
    "Requests answered by this process.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS: Final = Histogram(
    "vitrine_http_request_seconds",
    "Time from request to the start of the answer.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)
WEBHOOK_REQUESTS: Final = Counter(
    "vitrine_webhook_requests_total", "Requests by Meta.", ["status"], registry=REGISTRY
)
WEBHOOK_ITEMS: Final = Counter(
    "vitrine_webhook_items_total", "New updates stored, by kind.", ["kind"], registry=REGISTRY
)
UNEXPECTED_ERRORS: Final = Counter(
    "vitrine_unexpected_errors_total",
    "Defects: errors nobody expected.",
    ["error"],
    registry=REGISTRY,
)


def webhook_requests() -> dict[int, int]:
    """This replica's answers to Meta since it began, by status."""
    return {
        int(sample.labels["status"]): int(sample.value)
        for metric in WEBHOOK_REQUESTS.collect()
        for sample in metric.samples
        if sample.name == "vitrine_webhook_requests_total"
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A figure of the house at this moment: `samples` by the value of `label`, or under ""."""

    name: str
    help: str
    samples: Mapping[str, float]
    label: str = field(default="")


class _Readings(Collector):
    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = readings

    @override
    def collect(self) -> Iterator[Metric]:
        for reading in self._readings:
            labels = [reading.label] if reading.label else []
            family = GaugeMetricFamily(reading.name, reading.help, labels=labels)
            for value, amount in reading.samples.items():
                family.add_metric([value] if reading.label else [], amount)
            yield family


def exposition(readings: Iterable[Reading]) -> bytes:
    """Prometheus text: this process's counters, then the house's readings."""
    house = CollectorRegistry(auto_describe=False)
    house.register(_Readings(readings))
    return generate_latest(REGISTRY) + generate_latest(house)
