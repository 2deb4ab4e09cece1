"""SIGKILL in the middle of a turn: every acknowledged message is answered exactly once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.running import Customer, RunningVitrine, living_in, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

QUESTION = "Quanto custa o plano inicial?"
NAMED = ("conversations/0", "sender", "clock", "number_pool")


@pytest.fixture(scope="module")
def supervisor(vitrine: RunningVitrine) -> dict[str, str]:
    return vitrine.login()


@pytest.fixture
def slow_model(vitrine: RunningVitrine) -> Iterator[None]:
    vitrine.control("model", latency_ms=2500)
    yield
    vitrine.control("model", latency_ms=50)


def ask_and_kill(
    vitrine: RunningVitrine, supervisor: dict[str, str], customer: Customer, name: str
) -> list[str]:
    """Asks, kills the named process while the model thinks, and returns every answer since."""
    before = len(customer.answers())
    pid = vitrine.pid_of(name, supervisor)
    calls = vitrine.look("model")["calls"]
    customer.say(QUESTION)
    wait_for("the model called", lambda: vitrine.look("model")["calls"] > calls)
    os.kill(pid, signal.SIGKILL)
    customer.wait_for_messages(before + 1, within=90)
    settled = wait_for("the conversation quiet", lambda: quiet(customer, supervisor), within=60)
    assert settled["awaiting"] == "none"
    return customer.answers()[before:]


def quiet(customer: Customer, supervisor: dict[str, str]) -> dict[str, Any] | None:
    shown = customer.conversation(supervisor)
    open_rows = [m for m in shown["messages"] if m["status"] in {"queued", "unknown"}]
    return shown if shown["awaiting"] == "none" and not open_rows else None


@pytest.mark.usefixtures("slow_model")
@pytest.mark.parametrize("kind", ["own", "shared"])
def test_killing_the_conversation_actor_mid_turn_sends_exactly_one_reply(vitrine, supervisor, kind):
    customer, name = living_in(vitrine, supervisor, kind)
    assert len(ask_and_kill(vitrine, supervisor, customer, name)) == 1


@pytest.mark.usefixtures("slow_model")
@pytest.mark.parametrize("name", ["number_pool", "webhook/", "sender", "clock"])
def test_killing_another_part_mid_turn_sends_exactly_one_reply(vitrine, supervisor, name):
    customer = vitrine.new_customer()
    assert len(ask_and_kill(vitrine, supervisor, customer, name)) == 1


def has_none(vitrine: RunningVitrine, name: str) -> bool:
    return cut_connections(vitrine, name) == 0


def lives_on(vitrine: RunningVitrine, supervisor: dict[str, str], name: str, died: int) -> bool:
    return vitrine.pid_of(name, supervisor) != died


def cut_connections(vitrine: RunningVitrine, name: str) -> int:
    """How many connections the process had; PostgreSQL ends them."""
    cut: int = vitrine.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1",
        f"vitrine {name}",
    )
    return cut


def test_what_starts_while_the_database_cuts_its_connections_is_started_again(vitrine, supervisor):
    customer, _ = living_in(vitrine, supervisor, "shared")
    before = len(customer.answers())
    died = {name: vitrine.pid_of(name, supervisor) for name in NAMED}
    for pid in died.values():
        os.kill(pid, signal.SIGKILL)
    for name in NAMED:
        wait_for("the old connections gone", partial(has_none, vitrine, name))
    opening = set(NAMED)
    while opening:
        opening = {name for name in opening if not cut_connections(vitrine, name)}
    customer.say(QUESTION)
    customer.wait_for_messages(before + 1, within=60)
    for name, pid in died.items():
        wait_for(f"{name} alive", partial(lives_on, vitrine, supervisor, name, pid), within=60)
    assert len(customer.answers()) == before + 1


@pytest.mark.usefixtures("slow_model")
def test_a_takeover_during_a_model_call_lets_nothing_out(vitrine, supervisor):
    customer = vitrine.new_customer()
    conversation = customer.conversation(supervisor)
    before = len(customer.answers())
    calls = vitrine.look("model")["calls"]
    customer.say(QUESTION)
    wait_for("the model called", lambda: vitrine.look("model")["calls"] > calls)
    fence = vitrine.api("POST", f"/conversations/{conversation['id']}/takeover", supervisor)
    assert fence["in_flight"] == []
    assert fence["epoch"] > conversation["epoch"]
    wait_for(
        "the turn journalled as fenced",
        lambda: [t for t in customer.conversation(supervisor)["turns"] if t["state"] == "fenced"],
    )
    assert customer.answers()[before:] == []
