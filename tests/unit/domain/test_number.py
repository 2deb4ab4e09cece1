"""A number's health by errors, quality and Meta's status."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.number import QUARANTINE, NumberHealth, NumberState, Trouble, judge
from tests.factories import NOW, make_number


def trouble(scope: str = "message", *, ago: float = 1) -> Trouble:
    return Trouble(at=NOW - timedelta(seconds=ago), code=1, scope=scope, reason="motivo")


def test_a_number_without_trouble_is_healthy():
    assert judge(make_number(), [], NOW).health is NumberHealth.HEALTHY


@pytest.mark.parametrize("quality", ["YELLOW", "RED"])
def test_bad_quality_keeps_old_threads_and_refuses_new_ones(quality):
    verdict = judge(make_number(quality=quality), [], NOW)
    assert (verdict.state, verdict.health) == (NumberState.ACTIVE, NumberHealth.DEGRADED)
    assert quality in verdict.reason


@pytest.mark.parametrize("scope", ["number", "account"])
def test_a_refusal_of_the_number_puts_it_into_quarantine_and_it_returns(scope):
    verdict = judge(make_number(), [trouble(scope)], NOW)
    assert (verdict.state, verdict.health) == (NumberState.QUARANTINED, NumberHealth.PAUSED)
    assert verdict.quarantined_until is not None
    resting = make_number(
        state=verdict.state, health=verdict.health, quarantined_until=verdict.quarantined_until
    )
    during = NOW + timedelta(minutes=10)
    assert judge(resting, [], during).health is NumberHealth.PAUSED
    after = NOW + QUARANTINE + timedelta(seconds=1)
    assert judge(resting, [], after).state is NumberState.ACTIVE


def test_a_banned_number_stays_out_until_meta_says_connected():
    banned = judge(make_number(meta_status="BANNED"), [], NOW)
    assert (banned.health, banned.quarantined_until) == (NumberHealth.BANNED, None)


def test_a_restricted_number_does_not_lengthen_its_own_quarantine():
    first = judge(make_number(meta_status="RESTRICTED"), [], NOW)
    resting = make_number(
        meta_status="RESTRICTED", state=first.state, health=first.health,
        health_reason=first.reason, quarantined_until=first.quarantined_until,
    )  # fmt: skip
    assert judge(resting, [], NOW + timedelta(minutes=5)) == first


def test_refusals_of_single_messages_degrade_only_when_there_are_many():
    assert judge(make_number(), [trouble()] * 4, NOW).health is NumberHealth.HEALTHY
    assert judge(make_number(), [trouble()] * 5, NOW).health is NumberHealth.DEGRADED
    assert judge(make_number(), [trouble(ago=400)] * 9, NOW).health is NumberHealth.HEALTHY


def test_what_a_person_decided_stands():
    drained = make_number(state=NumberState.DRAINING)
    assert judge(drained, [], NOW).state is NumberState.DRAINING
    disabled = make_number(state=NumberState.DISABLED, meta_status="BANNED")
    assert judge(disabled, [trouble("number")], NOW).state is NumberState.DISABLED
