"""Ratios and verdicts of the benchmarks."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bench import results
from bench.figures import Goal, Row, percentile, ratio_row, summary


def test_a_percentile_is_the_nearest_rank():
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.95) == 95
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.99) == 7


def test_nothing_has_no_percentile_and_an_empty_summary():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
    assert summary([]) == {}


@pytest.mark.parametrize(
    ("goal", "ours", "met"),
    [
        (Goal(bound=0.7, at_least=True), 70.0, True),
        (Goal(bound=0.7, at_least=True), 69.0, False),
        (Goal(bound=5.0, at_least=False), 500.0, True),
        (Goal(bound=5.0, at_least=False), 501.0, False),
        (None, 1.0, None),
    ],
)
def test_a_goal_is_about_the_ratio(goal, ours, met):
    row = ratio_row("turns", "turns/s", ours, 100.0, goal)
    assert row.value == ours / 100
    assert row.met is met


def test_a_reference_of_nothing_gives_no_ratio_and_no_verdict():
    row = ratio_row("turns", "turns/s", 10.0, 0.0, Goal(bound=0.7, at_least=True))
    assert row.value is None
    assert row.met is None


def test_results_keep_ratios_goals_and_the_machine(tmp_path):
    rows = [
        ratio_row("turns", "turns/s", 35.0, 70.0, Goal(bound=0.7, at_least=True), raw={"n": 3}),
        Row(what="memory", unit="KiB", ours=12.0),
    ]
    file = results.write("turns", rows, {"cores": 2}, tmp_path)
    assert file.name == f"{datetime.now(UTC):%Y-%m-%d}-turns.json"
    kept = json.loads(file.read_text("utf-8"))
    assert kept["machine"] == {"cores": 2}
    first, second = kept["rows"]
    assert (first["value"], first["goal"], first["met"]) == (0.5, "≥ 0.7", False)
    assert first["raw"] == {"n": 3}
    assert second["met"] is None
