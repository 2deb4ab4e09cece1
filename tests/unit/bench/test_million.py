"""A house of a million conversations is judged by its slow wakes and its full sweeps."""

from __future__ import annotations

import pytest

from bench.measures.million import Sweeps, rows


@pytest.mark.parametrize(
    ("wake", "sweep", "met"),
    [(20.0, 50.0, [True, True]), (20.1, 50.0, [False, True]), (20.0, 50.1, [True, False])],
)
def test_wake_and_sweep_are_judged_by_the_95th_of_a_hundred(wake, sweep, met):
    sweeps = Sweeps(empty_ms=[1.0] * 100, waiting_ms=[2.0] * 94 + [sweep] * 6)
    judged = rows({"p50": 3.0, "p95": wake}, sweeps, 60.0)
    assert [row.met for row in judged] == met
    assert judged[1].ours == sweep
