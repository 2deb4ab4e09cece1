"""SIGKILL with acknowledged turns in flight: who is still answered, how often, and how soon."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import Any, Final

from actors.directory import shard_name
from bench.customers import add_customers
from bench.figures import Goal, Row, absolute_row
from bench.house import House
from bench.processes import Talker, plain_server

IN_FLIGHT: Final = 100
#: The model holds its answers until all fly; after the kill it takes as long as a quick one does.
HOLD_S: Final = 28.0
MODEL_S: Final = 2.0
_LANDS_WITHIN_S: Final = 60.0
#: The plain handler's successor knows of nobody; so long we wait all the same.
_PLAIN_WITHIN_S: Final = 5.0
#: A second answer would have come by then.
_SETTLES_S: Final = 5.0
_FIRST: Final = 41_000

_NONE: Final = Goal(bound=0, at_least=False)


def measure(world: Talker, house: House) -> list[Row]:
    """The shard that holds them all, and the plain handler, each killed and started again."""
    asyncio.run(add_customers(house.record.database_url, _FIRST, IN_FLIGHT))
    ours = _fly(world, house.webhook)
    ours |= house.inside.ask("kill", name=shard_name(0))
    ours |= world.ask("land", within_s=_LANDS_WITHIN_S, settle_s=_SETTLES_S)
    return rows(ours, _kill_plain(world, f"http://127.0.0.1:{world.hello['port']}"))


def rows(ours: dict[str, Any], plain: dict[str, Any]) -> list[Row]:
    back, last = (ours[at] - ours["killed_at"] for at in ("back_at", "last_at"))
    return [
        Row(
            what="unanswered after SIGKILL",
            unit=f"of {ours['in_flight']}",
            ours=ours["unanswered"],
            reference=plain["unanswered"],
            value=ours["unanswered"],
            value_unit="",
            goal=_NONE,
            note=f"all acknowledged; plain had {plain['in_flight']} in flight",
            raw={"ours": ours, "plain": plain},
        ),
        absolute_row(
            what="answered twice after SIGKILL",
            unit="",
            ours=ours["doubled"],
            goal=_NONE,
        ),
        absolute_row(
            what="actor's return to the last answer",
            unit="s",
            ours=round(last - back, 2),
            goal=Goal(bound=10, at_least=False),
            note=f"the model takes {MODEL_S:g} s; back {back:.1f} s after the kill, last answer"
            f" {last:.1f} s; {ours['answered']} answers",
        ),
    ]


def _fly(world: Talker, url: str) -> dict[str, Any]:
    run: dict[str, Any] = world.ask(
        "fly", url=url, first=_FIRST, count=IN_FLIGHT, hold_s=HOLD_S, then_s=MODEL_S
    )
    return run | {"load": os.getloadavg()[0]}


def _kill_plain(world: Talker, outside: str) -> dict[str, Any]:
    with plain_server(outside, reads=True) as (url, pid):
        run = _fly(world, url)
        killed_at = time.monotonic()
        os.kill(pid, signal.SIGKILL)
    with plain_server(outside, reads=True):
        run |= world.ask("land", within_s=_PLAIN_WITHIN_S, settle_s=0.0)
    return run | {"killed_at": killed_at}
