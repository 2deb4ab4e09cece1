"""Ten thousand conversations resident in one shard: what they weigh and what turns beside them take."""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from actors.directory import shard_name
from bench.customers import add_customers
from bench.figures import Goal, Row, absolute_row, ratio_row
from bench.house import House
from bench.processes import Talker

COUNT: Final = 10_000
HISTORY: Final = 10
RATE: Final = 20.0
SECONDS: Final = 20.0
#: Customers who write, one turn each.
_WRITERS: Final = {"warm": 42_000, "few": 43_000, "many": 44_000}
_EACH: Final = int(RATE * SECONDS)
_FIRST: Final = 50_000


def measure(world: Talker, house: House) -> list[Row]:
    """The same turns before they live there and while they do, within the time that idle ones stay."""
    dsn, shard = house.record.database_url, shard_name(0)
    for first in _WRITERS.values():
        asyncio.run(add_customers(dsn, first, _EACH))
    ids = asyncio.run(add_customers(dsn, _FIRST, COUNT, history=HISTORY))
    _paced(world, house, "warm")
    few = _paced(world, house, "few")
    before = house.inside.ask("count", name=shard)
    brought = house.inside.ask("bring", name=shard, ids=[str(one) for one in ids])
    many = _paced(world, house, "many")
    after = house.inside.ask("count", name=shard)
    return rows(few | before, many | after, brought)


def rows(few: dict[str, Any], many: dict[str, Any], brought: dict[str, Any]) -> list[Row]:
    """`few` and `many`: a paced run with the shard's count after it; `brought`: the count between."""
    came = brought["residents"] - few["residents"]
    each = round((brought["bytes"] - few["bytes"]) / max(came, 1) / 1024, 1)
    lost = few["unanswered"] + many["unanswered"]
    return [
        ratio_row(
            f"one turn beside {COUNT} residents, p50",
            "ms",
            many["answers"]["p50"],
            few["answers"]["p50"],
            Goal(bound=1.3, at_least=False),
            note=f"{RATE:g} turns a second; the reference beside {few['residents']};"
            f" p95 {many['answers']['p95']:g} to {few['answers']['p95']:g} ms; {lost} unanswered",
            raw={"few": few, "many": many, "brought": brought},
        ),
        absolute_row(
            what="residents of one shard",
            unit="",
            ours=many["residents"],
            goal=Goal(bound=COUNT, at_least=True),
            note=f"at the end of that run; brought in {brought['took_s']:.0f} s",
        ),
        absolute_row(
            what="memory of a resident in it",
            unit="KiB",
            ours=each,
            goal=Goal(bound=64, at_least=False),
            note=f"private memory over {came}, {HISTORY} messages each",
        ),
    ]


def _paced(world: Talker, house: House, arm: str) -> dict[str, Any]:
    run: dict[str, Any] = world.ask(
        "paced",
        url=house.webhook,
        seconds=SECONDS,
        rate=RATE,
        first=_WRITERS[arm],
        people=_EACH,
    )
    return run | {"load": os.getloadavg()[0]}
