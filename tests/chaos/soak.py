"""The soak: scenarios one after another, several beside each other, while something dies every few seconds."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
from rich.console import Console

from tests.chaos.faults import OWN, QUIET, SHARED, WEBHOOK, Fault
from tests.chaos.ground import Ground
from tests.chaos.scenario import Outcome, Scenario

#: So many scenarios run beside each other: a dialogue that waits does not stop the traffic.
_BESIDE: Final = 3
_EVERY_S: Final = (3.0, 6.0)
_SEED: Final = 20261127


def soak(ground: Ground, *, seconds: float, console: Console) -> list[Outcome]:
    """The quiet run, then every scenario that began before `seconds` were over, to its end."""
    quiet = Scenario(ground, QUIET).play()
    storm = Fault(name="something dies every few seconds", place="anywhere", within_s=300)
    until = time.monotonic() + seconds
    over = threading.Event()
    outcomes = [quiet]

    def talk_on() -> None:
        while time.monotonic() < until:
            outcomes.append(Scenario(ground, storm, quiet.reached).play())
            console.print(
                f"{len(outcomes) - 1} scenarios, {outcomes[-1].took_s} s", highlight=False
            )

    killer = threading.Thread(target=_kill, args=(ground, until, over, console), name="killer")
    killer.start()
    try:
        with ThreadPoolExecutor(_BESIDE) as several:
            for one in [several.submit(talk_on) for _ in range(_BESIDE)]:
                one.result()
    finally:
        over.set()
        killer.join()
    return outcomes


def _kill(ground: Ground, until: float, over: threading.Event, console: Console) -> None:
    dice = random.Random(_SEED)
    ways: list[tuple[str, Callable[[], None]]] = [
        *((name, lambda name=name: ground.kill_actor(name)) for name in
          (OWN, SHARED, "number_pool", "sender", "clock", WEBHOOK, "api/")),
        ("PostgreSQL's connections", ground.cut_postgres),
        ("Valkey's keys", ground.empty_redis),
        ("Valkey", lambda: ground.server("valkey", "valkey-server").kill()),
    ]  # fmt: skip
    while time.monotonic() < until and not over.wait(dice.uniform(*_EVERY_S)):
        name, kill = dice.choice(ways)
        try:
            kill()
        except (AssertionError, OSError, httpx.HTTPError) as missed:
            console.print(f"not killed: {name} ({type(missed).__name__})", highlight=False)
        else:
            console.print(f"killed: {name}", highlight=False)
