"""A number's health by errors, quality, its account and Meta's status; and what a person wishes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.account import AccountStanding, Standing
from domain.number import (
    QUARANTINE,
    NumberHealth,
    NumberState,
    PhysicalNumber,
    Trouble,
    Verdict,
    Wish,
    judge,
)
from tests.factories import NOW, make_number

STOP = timedelta(seconds=1)


def trouble(*, stops: bool = False, ago: float = 1) -> Trouble:
    at = NOW - timedelta(seconds=ago)
    return Trouble(at=at, code=1, scope="number", stops=stops, reason="motivo")


def judged(number: PhysicalNumber, verdict: Verdict) -> PhysicalNumber:
    return replace(
        number,
        health=verdict.health,
        health_reason=verdict.reason,
        quarantined_until=verdict.quarantined_until,
        replies_only=verdict.replies_only,
    )


def test_a_number_without_trouble_is_healthy():
    assert judge(make_number(), [], NOW) == Verdict(health=NumberHealth.HEALTHY)


@pytest.mark.parametrize("quality", ["YELLOW", "RED"])
def test_bad_quality_keeps_old_threads_and_refuses_new_ones(quality):
    number = make_number(quality=quality)
    verdict = judge(number, [], NOW)
    assert judged(number, verdict).state is NumberState.ACTIVE
    assert verdict.health is NumberHealth.DEGRADED
    assert quality in verdict.reason


def test_a_refusal_of_the_number_puts_it_into_quarantine_and_it_returns():
    verdict = judge(make_number(), [trouble(stops=True)], NOW)
    resting = judged(make_number(), verdict)
    assert (resting.state, resting.can_send) == (NumberState.QUARANTINED, False)
    during = NOW + timedelta(minutes=10)
    assert judge(resting, [], during).health is NumberHealth.PAUSED
    after = judge(resting, [], NOW + QUARANTINE + STOP)
    assert judged(resting, after).state is NumberState.ACTIVE


def test_a_throughput_refusal_does_not_stop_the_number():
    assert judge(make_number(), [trouble()], NOW).health is NumberHealth.HEALTHY


def test_a_banned_number_stays_out_until_meta_says_connected():
    banned = judge(make_number(meta_status="BANNED"), [], NOW)
    assert (banned.health, banned.quarantined_until) == (NumberHealth.BANNED, None)


def test_a_held_number_does_not_lengthen_its_own_quarantine():
    number = make_number(meta_status="RATE_LIMITED")
    first = judge(number, [], NOW)
    assert judge(judged(number, first), [], NOW + timedelta(minutes=5)) == first


def test_a_number_restricted_by_meta_still_replies():
    number = make_number(meta_status="RESTRICTED")
    restricted = judged(number, judge(number, [], NOW))
    assert (restricted.can_send, restricted.replies_only) == (True, True)
    assert restricted.health is NumberHealth.DEGRADED


def test_refusals_of_single_messages_degrade_only_when_there_are_many():
    assert judge(make_number(), [trouble()] * 4, NOW).health is NumberHealth.HEALTHY
    assert judge(make_number(), [trouble()] * 5, NOW).health is NumberHealth.DEGRADED
    assert judge(make_number(), [trouble(ago=400)] * 9, NOW).health is NumberHealth.HEALTHY


def test_a_drained_number_is_still_drained_after_a_quarantine():
    drained = make_number(wish=Wish.DRAINING)
    resting = judged(drained, judge(drained, [trouble(stops=True)], NOW))
    assert resting.state is NumberState.QUARANTINED
    after = judge(resting, [], NOW + QUARANTINE + STOP)
    assert judged(resting, after).state is NumberState.DRAINING


def test_a_disabled_number_is_disabled_whatever_its_health():
    disabled = make_number(wish=Wish.DISABLED, meta_status="BANNED")
    assert judged(disabled, judge(disabled, [], NOW)).state is NumberState.DISABLED


def test_what_a_person_activated_is_not_stopped_by_older_refusals():
    activated = make_number(activated_at=NOW)
    assert judge(activated, [trouble(stops=True)], NOW + STOP).health is NumberHealth.HEALTHY
    assert judge(activated, [trouble(stops=True, ago=-1)], NOW + STOP).health is NumberHealth.PAUSED


def test_a_disabled_account_stops_its_numbers_without_an_end():
    disabled = AccountStanding(standing=Standing.DISABLED, reason="a Meta desativou a conta")
    verdict = judge(make_number(account=disabled), [], NOW)
    assert verdict == Verdict(health=NumberHealth.BANNED, reason="a Meta desativou a conta")


def test_a_restricted_account_stops_what_we_begin_until_its_end():
    until = NOW + timedelta(days=1)
    account = AccountStanding(standing=Standing.RESTRICTED, reason="restrita", until=until)
    number = make_number(account=account)
    during, after = judge(number, [], NOW), judge(number, [], until)
    assert (during.health, during.replies_only) == (NumberHealth.DEGRADED, True)
    assert (after.health, after.replies_only) == (NumberHealth.HEALTHY, False)
