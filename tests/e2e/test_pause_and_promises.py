"""The pause button of a whole Vitrine, a model that is away, and the house judged by its invariants."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import pytest

from storage.invariants import Invariants
from storage.pool import open_pool
from telemetry.invariants import INVARIANTS, Finding, InvariantName
from tests.running import RunningVitrine, wait_for
from tests.services import run_apart

#: What other tests of the session may have sent on purpose says nothing about the house.
_FROM_OUTSIDE = {InvariantName.UNPARSED, InvariantName.SIGNATURE_REFUSED}

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def supervisor(vitrine: RunningVitrine) -> dict[str, str]:
    return vitrine.login()


@pytest.fixture
def slow_model(vitrine: RunningVitrine) -> Iterator[None]:
    vitrine.control("model", latency_ms=1500)
    yield
    vitrine.control("model", latency_ms=50)


@pytest.mark.usefixtures("slow_model")
def test_the_button_stops_the_ai_within_a_second_and_afterwards_everybody_is_answered_once(
    vitrine, supervisor
):
    customers = [vitrine.new_customer() for _ in range(6)]
    before = {c.phone: len(c.answers()) for c in customers}
    for customer in customers[:4]:
        customer.say("Quanto custa o plano inicial?")
    calls = vitrine.look("model")["calls"]
    wait_for("a turn running", lambda: vitrine.look("model")["calls"] > calls)
    vitrine.api("POST", "/system/pause", supervisor, reason="ensaio do freio")
    try:
        for customer in customers[4:]:
            customer.say("Ainda têm o plano?")
        wait_for("no turn running", lambda: not any_turn(vitrine, supervisor))
        late = vitrine.sql(
            "SELECT count(*) FROM send_attempts a JOIN outbox o ON o.id = a.outbox_id,"
            " switches s WHERE o.author = 'agent' AND a.claimed_at > s.on_since + interval '1 second'"
        )
        assert late == 0
        assert [len(c.answers()) - before[c.phone] for c in customers[4:]] == [0, 0]
    finally:
        vitrine.api("POST", "/system/resume", supervisor)
    for customer in customers:
        customer.wait_for_messages(before[customer.phone] + 1, within=60)
    wait_for(
        "all settled",
        lambda: all(c.conversation(supervisor)["awaiting"] == "none" for c in customers),
    )
    assert [len(c.answers()) - before[c.phone] for c in customers] == [1] * 6


def any_turn(vitrine: RunningVitrine, supervisor: dict[str, str]) -> bool:
    """Whether an actor reports a running turn; a beat may be three seconds old."""
    return any(
        resident["state"] == "turn"
        for actor in vitrine.actors(supervisor)
        for resident in actor["conversations"]
    )


def test_after_all_of_it_the_house_keeps_every_promise(vitrine, supervisor):
    found = [f for f in run_apart(judged(vitrine.dsn)) if f.name not in _FROM_OUTSIDE]
    assert [f for f in found if f.violations or f.unchecked] == []
    wait_for("the clock's own look", lambda: looked(vitrine, supervisor), within=150)


def looked(vitrine: RunningVitrine, supervisor: dict[str, str]) -> bool:
    """Whether the clock has asked every sentence."""
    items = vitrine.api("GET", "/invariants", supervisor)["items"]
    return len(items) == len(INVARIANTS) and all(one["checked_at"] for one in items)


async def judged(dsn: str) -> list[Finding]:
    pool: asyncpg.Pool = await open_pool(dsn, size=1, name="test")
    try:
        return [await Invariants(pool).look(name, audit_lines=None) for name in INVARIANTS]
    finally:
        await pool.close()
