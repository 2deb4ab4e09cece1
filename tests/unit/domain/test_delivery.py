from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, strategies as st

from domain.delivery import FROM_META, RANK, DeliveryStatus, advance, settle

S = DeliveryStatus
OURS = [status for status in S if status is not S.RECEIVED]


@given(st.lists(st.sampled_from(OURS), max_size=8), st.randoms())
def test_statuses_in_any_order_end_in_the_same_place(statuses, random):
    shuffled = list(statuses)
    random.shuffle(shuffled)
    assert settle(shuffled) is settle(statuses)


@given(st.lists(st.sampled_from(OURS), max_size=8), st.sampled_from(OURS))
def test_a_repeated_status_changes_nothing(statuses, again):
    once = settle([*statuses, again])
    assert settle([*statuses, again, again]) is once


@given(st.sampled_from(OURS), st.sampled_from(OURS))
def test_a_status_never_moves_backwards(current, new):
    assert RANK[advance(current, new)] >= RANK[current]


def test_every_order_of_a_normal_delivery_ends_in_read():
    for order in permutations([S.ACCEPTED, S.SENT, S.DELIVERED, S.READ]):
        assert settle(order) is S.READ


@pytest.mark.parametrize("current", [S.QUEUED, S.ACCEPTED, S.SENT])
def test_a_message_fails_only_before_it_was_delivered(current):
    assert advance(current, S.FAILED) is S.FAILED


@pytest.mark.parametrize("current", [S.DELIVERED, S.READ, S.PLAYED])
def test_a_proven_delivery_overrules_a_failure_in_either_order(current):
    assert advance(current, S.FAILED) is current
    assert advance(S.FAILED, current) is current


def test_a_failure_is_not_undone_by_a_late_sent():
    assert advance(S.FAILED, S.SENT) is S.FAILED


@pytest.mark.parametrize("found", sorted(FROM_META))
@pytest.mark.parametrize("before", [S.UNKNOWN, S.PARKED, S.WITHDRAWN])
def test_a_status_of_metas_settles_what_we_did_not_know(before, found):
    assert advance(before, found) is found


def test_a_received_message_has_no_delivery():
    assert advance(S.RECEIVED, S.READ) is S.RECEIVED
    assert advance(S.SENT, S.RECEIVED) is S.SENT


def test_every_status_has_a_rank_of_its_own():
    assert len(set(RANK.values())) == len(S) == len(RANK)
