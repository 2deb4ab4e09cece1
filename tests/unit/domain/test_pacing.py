"""How often we may speak: the rule over one bucket, and each sender's share when Redis is away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.pacing import (
    PAIR_RATE,
    Bucket,
    Rate,
    fallback_pair_rate,
    fallback_rate,
    number_rate,
)

SECOND = timedelta(seconds=1)
RATE = Rate(interval=SECOND * 6, burst=2)


def test_a_burst_goes_at_once_and_is_paid_back_at_the_rate():
    bucket, now = Bucket(), SECOND * 100
    for _ in range(RATE.burst):
        assert bucket.wait(RATE, now) == timedelta(0)
        bucket = bucket.charged(RATE, now)
    assert bucket.wait(RATE, now) == SECOND * 6
    assert bucket.wait(RATE, now + SECOND * 6) == timedelta(0)
    assert not bucket.is_full(now + SECOND * 11)
    assert bucket.is_full(now + SECOND * 12)


def test_our_sends_leave_room_for_what_comes_in():
    assert number_rate(80).interval == SECOND / 56


@pytest.mark.parametrize("senders", [1, 3, 40])
def test_without_redis_all_senders_together_stay_at_half_of_the_limit(senders):
    each = fallback_rate(80, senders=senders)
    assert senders * (SECOND / each.interval) == pytest.approx(40)
    assert each.burst == 1


def test_without_redis_the_two_senders_of_a_thread_keep_the_pair_rate_together():
    half = fallback_pair_rate()
    assert (2 / half.interval.total_seconds(), 2 * half.burst) == (
        1 / PAIR_RATE.interval.total_seconds(),
        PAIR_RATE.burst,
    )
