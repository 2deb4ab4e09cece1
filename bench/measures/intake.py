"""Durable intake against an empty handler: both on Serve, same flags, same requests, turn by turn."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any, Final

from bench.customers import add_customers, settle
from bench.figures import Goal, Row, ratio_row
from bench.house import House
from bench.processes import Talker

ROUNDS: Final = 3
SECONDS: Final = 4.0
CONNECTIONS: Final = 32
#: Their conversations are a person's, so that intake is measured and no turn.
PEOPLE: Final = 1000


def measure(world: Talker, house: House) -> list[Row]:
    """Each round in turn: empty, intake without doorbell, intake as it is."""
    asyncio.run(add_customers(house.record.database_url, 0, PEOPLE, mode="operator"))
    paths = house.inside.ask("deploy")
    urls = {
        "empty": f"{house.record.url}{paths['empty']}/",
        "alone": f"{house.record.url}{paths['intake']}",
        "whole": house.webhook,
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in urls}
    for name, url in urls.items():
        _post(world, url, 1.0)  # connections, prepared statements, imports
        runs[name].clear()
    for _ in range(ROUNDS):
        for name, url in urls.items():
            runs[name].append(_post(world, url, SECONDS))
            asyncio.run(settle(house.record.database_url))
    house.inside.ask("remove")
    rate = {name: statistics.median(r["per_second"] for r in rs) for name, rs in runs.items()}
    bad = sum(run["bad"] for rs in runs.values() for run in rs)
    raw = {"runs": runs, "connections": CONNECTIONS, "refused": bad}
    return [
        ratio_row(
            "intake, durable, alone",
            "requests/s",
            rate["alone"],
            rate["empty"],
            Goal(bound=0.6, at_least=True),
            note="against an empty FastAPI handler on Serve",
            raw=raw,
        ),
        ratio_row(
            "intake with doorbells into a shard",
            "requests/s",
            rate["whole"],
            rate["empty"],
            note="the shard reads each conversation on the same two cores",
        ),
    ]


def _post(world: Talker, url: str, seconds: float) -> dict[str, Any]:
    run: dict[str, Any] = world.ask(
        "post", url=url, seconds=seconds, connections=CONNECTIONS, people=PEOPLE
    )
    return run
