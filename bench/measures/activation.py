"""Bringing a passivated conversation back, and what it weighs, in both kinds of Ray actor."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.customers import add_customers
from bench.figures import Goal, Row, absolute_row
from bench.house import House
from bench.processes import Talker

COUNT: Final = 1000
OWN: Final = 3
RATE: Final = 50.0
HISTORY: Final = 10
_FIRST: Final = 30_000


def measure(_world: Talker, house: House) -> list[Row]:
    """1,000 conversations with ten messages each, rung once each, 50 a second."""
    dsn = house.record.database_url
    ids = [
        str(one)
        for one in asyncio.run(add_customers(dsn, _FIRST, COUNT + 1 + OWN, history=HISTORY))
    ]
    shared = house.inside.ask("activate", ids=ids[: COUNT + 1], rate=RATE)
    own = house.inside.ask("own", ids=ids[COUNT + 1 :])
    kib = round(shared["bytes_each"] / 1024, 1)
    return [
        absolute_row(
            what="activation in a shard, p95",
            unit="ms",
            ours=shared["p95"],
            goal=Goal(bound=25, at_least=False),
            note=f"ring to state loaded, {RATE:g} a second, {HISTORY} messages each",
            raw=shared,
        ),
        absolute_row(
            what="memory of a resident, shared",
            unit="KiB",
            ours=kib,
            goal=Goal(bound=64, at_least=False),
            note=f"private memory over {shared['residents']} residents",
        ),
        Row(
            what="activation in an own Ray actor, p50",
            unit="ms",
            ours=own["p50"],
            reference=shared["p50"],
            note="creation to ready; it overlaps the quiet period or the shard serves meanwhile",
            raw=own,
        ),
        Row(
            what="memory of an own Ray actor",
            unit="MiB",
            ours=round(own["bytes_each"] / 2**20, 1),
            note="private memory of its process",
        ),
    ]
