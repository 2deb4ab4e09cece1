"""What the clock found reaches supervisors, scrapers and alert rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # comes with Ray

from actors.clock.watch import Watch
from storage.invariants import Invariants
from telemetry.invariants import INVARIANTS, InvariantName, Severity
from tests.integration.api.desk import Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

ALERTS = Path(__file__).parents[3] / "config" / "alerts.yaml"
TEXT = {"Accept": "text/plain"}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return list(group["rules"])


async def an_overdue_timer(desk: Desk) -> None:
    await desk.pool.execute(
        "INSERT INTO timers (id, conversation_id, kind, key, due_at)"
        " VALUES (gen_random_uuid(), $1, 'nudge', 'n', now() - interval '1 hour')",
        await desk.conversation(),
    )


async def test_before_the_first_look_every_sentence_is_listed_and_nothing_is_claimed(desk: Desk):
    items = (await desk.ana.get("/invariants")).json()["items"]
    assert {i["name"] for i in items} == set(InvariantName)
    assert {i["checked_at"] for i in items} == {None}
    figures = (await desk.ana.get("/metrics")).json()
    assert figures["invariants"] == {"violated": 0, "unchecked": 0, "age_s": None}


async def test_what_is_violated_comes_first_with_what_to_do(desk: Desk):
    await an_overdue_timer(desk)
    await Watch(Invariants(desk.pool)).look()
    items = (await desk.ana.get("/invariants")).json()["items"]
    names = [i["name"] for i in items if i["violations"]]
    assert "timer_overdue" in names
    assert [i["name"] for i in items][: len(names)] == names
    (timer,) = [i for i in items if i["name"] == "timer_overdue"]
    assert (timer["violations"], len(timer["ids"])) == (1, 1)
    assert timer["remedy"] == INVARIANTS[InvariantName.TIMER_OVERDUE].remedy
    assert timer["since"] is not None
    figures = (await desk.ana.get("/metrics")).json()["invariants"]
    assert figures["violated"] == len(names)
    assert figures["age_s"] < 60


async def test_only_a_supervisor_sees_them(desk: Desk):
    for client in (desk.bia, desk.caio):
        assert (await client.get("/invariants")).status_code == 403


async def test_scrapers_read_what_the_clock_found(desk: Desk):
    await an_overdue_timer(desk)
    await Watch(Invariants(desk.pool)).look()
    text = (await desk.ana.get("/metrics", headers=TEXT)).text
    assert 'vitrine_invariant_violations{invariant="timer_overdue"} 1.0' in text
    assert 'vitrine_invariant_violations{invariant="crossed"} 0.0' in text
    assert re.search(r"^vitrine_invariants_age_seconds \d", text, re.MULTILINE)


async def test_every_alert_names_a_metric_that_exists(desk: Desk):
    text = (await desk.ana.get("/metrics", headers=TEXT)).text
    known = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    named = {name for rule in rules() for name in re.findall(r"vitrine_\w+", rule["expr"])}
    assert len(named) >= 9
    assert named - known == set()


def test_every_invariant_has_an_alert_and_the_broken_promises_ring_at_once():
    alerted: dict[str, dict[str, Any]] = {}
    for rule in rules():
        for names in re.findall(r'invariant=~"([^"]+)"', rule["expr"]):
            for name in names.split("|"):
                assert name not in alerted, f"{name} rings twice"
                alerted[name] = rule
    assert set(alerted) == set(InvariantName)
    for name, invariant in INVARIANTS.items():
        assert alerted[name]["labels"]["severity"] == invariant.severity
    assert {i.severity for i in INVARIANTS.values()} == set(Severity)
    at_once = {name for name, rule in alerted.items() if "for" not in rule}
    assert {InvariantName.SENT_TWICE, InvariantName.CROSSED} <= at_once
