"""The table of `make bench` can be read in a terminal of eighty columns."""

from __future__ import annotations

import io

from rich.console import Console

from bench.figures import Goal, absolute_row, ratio_row
from bench.results import show


def test_eighty_columns_cut_no_figure_and_say_below_it_what_a_row_means():
    goal = Goal(bound=0.6, at_least=True)
    rows = [
        ratio_row("durable intake alone", "requests/s", 777.25, 2008.5, goal, note="[2] replicas"),
        absolute_row(what="residents", unit="", ours=11300, goal=Goal(bound=10_000, at_least=True)),
        absolute_row(
            what="webhooks over 1 s, turns running",
            unit="%",
            ours=0,
            goal=Goal(bound=1, at_least=False),
        ),
    ]
    out = io.StringIO()
    show(rows, Console(file=out, width=80))
    shown = out.getvalue()
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "777.2 : 2008 requests/s" in shown
    assert "0.387 ×" in shown
    assert "≥ 0.6 missed" in shown
    assert "durable intake alone: [2] replicas" in shown
    assert "≤ 1 met" in shown
    assert "11,300" in shown
    assert "≥ 10000 met" in shown
