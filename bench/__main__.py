"""`python -m bench NAME …`, each of MEASURES or `turns`; without a name NAMES, in about ten minutes.

The plain reference runs before Vitrine starts and after it stopped, so that neither slows the other.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final

from rich.console import Console

from bench import results
from bench.figures import Row
from bench.house import House, house
from bench.machine import facts
from bench.measures import activation, intake, kill, million, residents, takeover, turns
from bench.processes import Talker, talker

#: In the order they run; those of the turns come first of all and in two halves.
MEASURES: Final[Mapping[str, Callable[[Talker, House], list[Row]]]] = {
    "intake": intake.measure,
    "activation": activation.measure,
    "takeover": takeover.measure,
    "kill": kill.measure,
    "residents": residents.measure,
    "million": million.measure,
}
#: What runs without a name: not what has a million rows to write first.
NAMES: Final = ("turns", *(name for name in MEASURES if name != "million"))


def run(names: tuple[str, ...], console: Console) -> list[Row]:
    """Measures what is named; prints what it does meanwhile."""
    rows: list[Row] = []
    with talker("bench.world") as world:
        outside = f"http://127.0.0.1:{world.hello['port']}"
        before = after = ours = None
        if "turns" in names:
            console.print("plain handler, before …")
            before = turns.run_plain(world, outside)
        console.print("starting Vitrine …")
        with house(outside) as running:
            if "turns" in names:
                console.print("turns …")
                ours = turns.run_vitrine(world, running)
            for name in names:
                if name in MEASURES:
                    console.print(f"{name} …")
                    rows += MEASURES[name](world, running)
        if before is not None and ours is not None:
            console.print("plain handler, after …")
            after = turns.run_plain(world, outside)
            rows += turns.rows(ours, turns.Plain(before=before, after=after))
    return rows


def main() -> int:
    console = Console()
    wanted = tuple(sys.argv[1:]) or NAMES
    unknown = set(wanted) - {*NAMES, *MEASURES}
    if unknown:
        known = ", ".join(("turns", *MEASURES))
        console.print(f"unknown: {', '.join(sorted(unknown))}; known: {known}")
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
