"""`python -m tests.chaos matrix [words…]` and `python -m tests.chaos soak [seconds]`.

One Vitrine of their own for the whole run. Exits with 1 when anything was lost, doubled, crossed or
leaked.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from tests.chaos.faults import ALL, QUIET, Fault
from tests.chaos.ground import Ground, chaos_ground
from tests.chaos.report import mark, show, title, write
from tests.chaos.scenario import Outcome, Scenario
from tests.chaos.soak import soak
from tests.running import running_vitrine


def matrix(ground: Ground, faults: Sequence[Fault], console: Console) -> list[Outcome]:
    quiet = Scenario(ground, QUIET).play()
    outcomes = [quiet]
    tell(quiet, console)
    for number, fault in enumerate(faults, 1):
        outcomes.append(Scenario(ground, fault, quiet.reached).play())
        tell(outcomes[-1], console, of=f"{number}/{len(faults)} ")
    return outcomes


def tell(one: Outcome, console: Console, *, of: str = "") -> None:
    """A line while the rest goes on."""
    wrong = f"; {escape('; '.join(one.remarks))}" if one.remarks else ""
    console.print(
        f"{of}{mark(one)} {title(one)}: recovered in {one.longest_wait_s:.1f} s,"
        f" played in {one.took_s:.0f} s{wrong}"
    )


def main() -> int:
    arguments = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    arguments.add_argument("what", choices=("matrix", "soak"))
    arguments.add_argument("words", nargs="*", help="only faults naming one of these; or seconds")
    given = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped then, too
    console = Console(width=None if sys.stdout.isatty() else 180)
    only_here = {"SANDBOX": "on"}  # whatever credentials this checkout has
    with (
        running_vitrine(environment=only_here, failpoints=True) as vitrine,
        chaos_ground(vitrine) as ground,
    ):
        if given.what == "soak":
            outcomes = soak(
                ground, seconds=float(given.words[0]) if given.words else 600, console=console
            )
        else:
            words = given.words
            faults = [
                f for f in ALL if not words or any(w in f"{f.name} · {f.place}" for w in words)
            ]
            outcomes = matrix(ground, faults, console)
    show(outcomes, console)
    if given.what == "soak" or not given.words:
        console.print(f"written: {write(f'chaos-{given.what}', outcomes)}")
    return 0 if all(one.is_right for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
