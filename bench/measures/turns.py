"""Turns a second and the time of one turn, against the plain handler without Vitrine beside it."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.customers import add_customers
from bench.figures import Goal, Row, absolute_row, ratio_row
from bench.house import House
from bench.processes import Talker, cpu_seconds, plain_server

SECONDS: Final = 10.0
IN_FLIGHT: Final = 16
SINGLES: Final = 100
PAUSE_S: Final = 0.02
IDLE_S: Final = 2.0
#: Customers of the arms: none writes often enough for the caps on AI messages to be met.
FIRST: Final = {"single": 10_000, "bare": 11_000, "ticks": 13_000, "paced": 15_000}
PEOPLE: Final = 2000
LOADED_RATE: Final = 25.0
LOADED_S: Final = 12.0

Runs = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """The reference before and after Vitrine ran; a ratio takes the mean of both."""

    before: Runs
    after: Runs

    def mean(self, arm: str, figure: str) -> float:
        both = (float(self.before[arm][figure]), float(self.after[arm][figure]))
        return statistics.mean(both)


def run_plain(world: Talker, outside: str) -> dict[str, dict[str, Any]]:
    """The plain handler's arms; nothing of Vitrine may run meanwhile."""
    with plain_server(outside, reads=False) as (url, pid):
        _warm(world, url)
        runs = {
            "single": _single(world, url),
            "bare": _turns(world, url, pid, "bare", statuses=False),
        }
    with plain_server(outside, reads=True) as (url, pid):
        _warm(world, url)
        runs["read"] = _turns(world, url, pid, "bare", statuses=False)
        runs["ticks"] = _turns(world, url, pid, "ticks", statuses=True)
    return runs


def run_vitrine(world: Talker, house: House) -> dict[str, dict[str, Any]]:
    """Vitrine's arms: the same customers, the same outside."""
    first, last = min(FIRST.values()), max(FIRST.values()) + PEOPLE
    asyncio.run(add_customers(house.record.database_url, first, last - first))
    pid = house.record.pid
    _warm(world, house.webhook)
    return {
        "single": _single(world, house.webhook),
        "bare": _turns(world, house.webhook, pid, "bare", statuses=False),
        "ticks": _turns(world, house.webhook, pid, "ticks", statuses=True),
        "paced": world.ask(
            "paced",
            url=house.webhook,
            seconds=LOADED_S,
            rate=LOADED_RATE,
            first=FIRST["paced"],
            people=PEOPLE,
        ),
    }


def rows(ours: Runs, plain: Plain) -> list[Row]:
    raw = {"ours": ours, "plain_before": plain.before, "plain_after": plain.after}
    lost = sum(run["unanswered"] for run in ours.values())
    paced = ours["paced"]
    posts = paced["count"] * 4
    return [
        ratio_row(
            "turns, no statuses",
            "turns/s",
            ours["bare"]["per_second"],
            plain.mean("bare", "per_second"),
            Goal(bound=0.7, at_least=True),
            note=f"{IN_FLIGHT} in flight; Vitrine marks read, plain does not; {lost} unanswered",
            raw=raw,
        ),
        ratio_row(
            "turns, no statuses, reads in both",
            "turns/s",
            ours["bare"]["per_second"],
            plain.mean("read", "per_second"),
            Goal(bound=0.7, at_least=True),
            note="the same run against plain that marks read, too",
        ),
        ratio_row(
            "turns with statuses and reads",
            "turns/s",
            ours["ticks"]["per_second"],
            plain.mean("ticks", "per_second"),
            Goal(bound=0.45, at_least=True),
            note="three status webhooks for each answer, in both arms",
        ),
        ratio_row(
            "CPU of a turn, all processes",
            "ms",
            ours["bare"]["cpu_ms"],
            plain.mean("read", "cpu_ms"),
            note="beyond idle; reads in both; hardly moved by who else works on this machine",
        ),
        ratio_row(
            "one turn, p50",
            "ms",
            ours["single"]["p50"],
            plain.mean("single", "p50"),
            Goal(bound=5.0, at_least=False),
            note="webhook to the POST with the answer, one at a time",
        ),
        absolute_row(
            what="webhook answered, turns running, p50",
            unit="ms",
            ours=paced["messages"]["p50"],
            goal=Goal(bound=250, at_least=False),
            note=f"{LOADED_RATE:g} messages and {3 * LOADED_RATE:g} statuses a second",
        ),
        absolute_row(
            what="webhooks over 1 s, turns running",
            unit="%",
            ours=round(100 * paced["over_1s"] / posts, 2),
            goal=Goal(bound=1.0, at_least=False),
            note=f"answers p50 {paced['answers'].get('p50', 0):.0f} ms",
        ),
    ]


def _single(world: Talker, url: str) -> dict[str, Any]:
    run: dict[str, Any] = world.ask(
        "single", url=url, count=SINGLES, first=FIRST["single"] + 100, pause_s=PAUSE_S
    )
    return run


def _turns(world: Talker, url: str, pid: int, arm: str, *, statuses: bool) -> dict[str, Any]:
    """One arm. CPU is what its processes used more than in the idle seconds before."""
    began, idle_from = time.perf_counter(), cpu_seconds(pid)
    time.sleep(IDLE_S)
    idle = (cpu_seconds(pid) - idle_from) / (time.perf_counter() - began)
    began, cpu_from = time.perf_counter(), cpu_seconds(pid)
    run: dict[str, Any] = world.ask(
        "turns",
        url=url,
        seconds=SECONDS,
        in_flight=IN_FLIGHT,
        first=FIRST[arm],
        people=PEOPLE,
        statuses=statuses,
    )
    used = cpu_seconds(pid) - cpu_from - idle * (time.perf_counter() - began)
    return run | {
        "cpu_ms": 1000 * used / max(run["calls"]["messages"], 1),
        "idle_cores": idle,
        "load": os.getloadavg()[0],
    }


def _warm(world: Talker, url: str) -> None:
    world.ask("single", url=url, count=20, first=FIRST["single"], pause_s=0.0)
