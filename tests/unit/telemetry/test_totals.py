"""What processes count, added up to what the house counted."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from telemetry.totals import Sample, Totals, Unstored, added, by_label


class Process:
    """One process's metrics, as telemetry/metrics.py declares them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("requests", "R.", ["status"], registry=self.registry)
        self.seconds = Histogram("seconds", "S.", buckets=(1, 10), registry=self.registry)
        self.unstored = Unstored(self.registry)


def shown(process: Process, totals: dict[Sample, float]) -> dict[str, float]:
    house = CollectorRegistry(auto_describe=False)
    house.register(Totals(process.registry, totals))
    text = generate_latest(house).decode()
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_only_what_was_not_handed_on_is_handed_on():
    process = Process()
    process.requests.labels("200").inc(3)
    amounts = process.unstored.amounts()
    assert by_label(amounts, "requests_total", "status") == {"200": 3}
    process.requests.labels("200").inc()  # while the first amounts are being stored
    process.unstored.mark_stored(amounts)
    assert process.unstored.amounts() == {
        Sample(name="requests_total", labels='{"status": "200"}'): 1.0
    }


def test_the_house_shows_the_sum_of_processes_that_are_gone_and_one_that_lives():
    totals: dict[Sample, float] = {}
    for seconds in (0.5, 5.0, 50.0):
        process = Process()
        process.requests.labels("200").inc()
        process.seconds.observe(seconds)
        totals = added(totals, process.unstored.amounts())
    assert shown(Process(), totals) == {
        "requests_total[('status', '200')]": 3,
        "seconds_bucket[('le', '1.0')]": 1,
        "seconds_bucket[('le', '10.0')]": 2,
        "seconds_bucket[('le', '+Inf')]": 3,
        "seconds_count[]": 3,
        "seconds_sum[]": 55.5,
    }


def test_a_metric_nobody_counted_yet_is_declared():
    house = CollectorRegistry(auto_describe=False)
    house.register(Totals(Process().registry, {}))
    assert b"# TYPE requests_total counter" in generate_latest(house)
