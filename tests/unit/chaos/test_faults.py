"""The matrix of faults is whole: what can be struck is struck."""

from __future__ import annotations

from telemetry.failpoints import Failpoint
from tests.chaos.faults import ALL


def test_every_failpoint_is_struck_by_a_fault_of_the_matrix():
    assert {point for fault in ALL for point in fault.armed} == set(Failpoint)


def test_no_two_faults_have_the_same_name_and_place():
    named = [(fault.name, fault.place) for fault in ALL]
    assert len(named) == len(set(named))
