"""What Meta's notices about an account mean for sending."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.account import RESTRICTION_MOST, AccountStanding, Standing, standing_after
from domain.inbound import AccountUpdate, Restriction
from tests.factories import NOW


def notice(event: str, **more) -> AccountUpdate:
    return AccountUpdate(
        field="account_update", waba_id="1", phone_number_id=None, raw={}, dedupe_key="k", at=NOW,
        event=event, **more,
    )  # fmt: skip


def after(event: str, **more) -> AccountStanding:
    standing = standing_after(notice(event, **more))
    assert standing is not None
    return standing


def test_a_ban_stops_everything_and_a_reinstatement_lets_it_go_again():
    banned = after("DISABLED_UPDATE", ban_state="DISABLE", ban_date="November 25, 2026")
    assert (banned.standing, banned.until) == (Standing.DISABLED, None)
    assert "November 25, 2026" in banned.reason
    assert after("DISABLED_UPDATE", ban_state="REINSTATE") == AccountStanding()


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("DISABLED_UPDATE", {"ban_state": "SCHEDULE_FOR_DISABLE", "ban_date": "May 1, 2027"}),
        ("ACCOUNT_VIOLATION", {"violation_type": "SCAM"}),
        ("ACCOUNT_RESTRICTION", {}),
    ],
)
def test_a_warning_stops_what_we_begin_and_lets_replies_go(event, more):
    warned = after(event, **more)
    assert (warned.standing, warned.until) == (Standing.RESTRICTED, NOW + RESTRICTION_MOST)
    assert all(str(v) in warned.reason for v in more.values() if v != "SCHEDULE_FOR_DISABLE")


def test_a_restriction_ends_with_the_last_of_its_parts():
    day, week = NOW + timedelta(days=1), NOW + timedelta(days=7)
    restrictions = (
        Restriction(type="RESTRICTED_BIZ_INITIATED_MESSAGING", until=week),
        Restriction(type="RESTRICTED_ADD_PHONE_NUMBER_ACTION", until=day),
    )
    restricted = after("ACCOUNT_RESTRICTION", restrictions=restrictions)
    assert restricted.until == week
    assert restricted.now(week) is Standing.GOOD


@pytest.mark.parametrize("event", ["PARTNER_ADDED", "VOLUME_BASED_PRICING_TIER_UPDATE"])
def test_other_news_says_nothing_about_sending(event):
    assert standing_after(notice(event)) is None
