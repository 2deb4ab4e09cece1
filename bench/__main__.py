"""`python -m bench [intake] [turns] [activation]`: all of them without a name. About five minutes.

The plain reference runs before Vitrine starts and after it stopped, so that neither slows the other.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from rich.console import Console

from bench import results
from bench.customers import add_customers
from bench.figures import Row
from bench.house import house
from bench.machine import facts
from bench.measures import activation, intake, turns
from bench.processes import talker

NAMES: Final = ("intake", "turns", "activation")


def run(names: tuple[str, ...], console: Console) -> list[Row]:
    """Measures what is named; prints what it does meanwhile."""
    rows: list[Row] = []
    before = after = ours = None
    with talker("bench.world") as world:
        outside = f"http://127.0.0.1:{world.hello['port']}"
        if "turns" in names:
            console.print("plain handler, before …")
            before = turns.run_plain(world, outside)
        console.print("starting Vitrine …")
        with house(outside) as running:
            dsn = running.record.database_url
            asyncio.run(add_customers(dsn, 0, intake.PEOPLE, mode="operator"))
            first = min(turns.FIRST.values())
            last = max(turns.FIRST.values()) + turns.PEOPLE
            asyncio.run(add_customers(dsn, first, last - first))
            if "turns" in names:
                console.print("turns …")
                ours = turns.run_vitrine(world, running)
            if "intake" in names:
                console.print("intake …")
                rows += intake.measure(world, running)
            if "activation" in names:
                console.print("activation …")
                rows += activation.measure(running)
        if before is not None and ours is not None:
            console.print("plain handler, after …")
            after = turns.run_plain(world, outside)
            rows += turns.rows(ours, turns.Plain(before=before, after=after))
    return rows


def main() -> int:
    console = Console()
    wanted = tuple(sys.argv[1:]) or NAMES
    unknown = set(wanted) - set(NAMES)
    if unknown:
        console.print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
        return 2
    machine = facts()
    rows = run(wanted, console)
    results.show(rows, console)
    name = "all" if set(wanted) == set(NAMES) else "-".join(wanted)
    console.print(
        f"written: {results.write(name, rows, machine).relative_to(results.FOLDER.parent)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
