"""A person takes over while the model thinks: how soon it is stopped, and what still leaves."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.customers import add_customers
from bench.figures import Goal, Row, absolute_row
from bench.house import House
from bench.processes import Talker

TAKEOVERS: Final = 100
IN_FLIGHT: Final = 16
#: The API lets one person write 100 times a minute; the last 16 at once are among them.
EVERY_S: Final = 0.75
#: Longer than any turn flies, so that only a takeover ends a model call.
HOLD_S: Final = 30.0
_FIRST: Final = 40_000

_CLAIMED: Final = """
SELECT count(*) FROM send_attempts a JOIN outbox o ON o.id = a.outbox_id
 WHERE o.author = 'agent' AND o.conversation_id = ANY ($1)
"""


def measure(world: Talker, house: House) -> list[Row]:
    """New customers whom nobody answered: any claim of an agent's message came after its takeover."""
    dsn = house.record.database_url
    ids = asyncio.run(add_customers(dsn, _FIRST, TAKEOVERS + IN_FLIGHT))
    run = world.ask(
        "takeovers",
        url=house.webhook,
        token=house.login(),
        conversations=[str(one) for one in ids],
        first=_FIRST,
        in_flight=IN_FLIGHT,
        every_s=EVERY_S,
        hold_s=HOLD_S,
    )
    return rows(run, asyncio.run(_claimed(dsn, ids)))


def rows(run: dict[str, Any], claimed: int) -> list[Row]:
    single, burst = run["single"], run["burst"]
    p99 = single["closed"]["p99"]
    never_closed = single["never_closed"] + burst["never_closed"]
    return [
        absolute_row(
            what="takeover to model connection closed, p99",
            unit="ms",
            ours=p99,
            goal=Goal(bound=250, at_least=False),
            note=f"{single['count']} by HTTP, {IN_FLIGHT} turns in flight; p50"
            f" {single['closed']['p50']:g} ms, answered p50 {single['answered']['p50']:g} ms;"
            f" {never_closed} never closed",
            raw=run,
        ),
        Row(
            what=f"the same, {IN_FLIGHT} takeovers at once, worst",
            unit="ms",
            ours=burst["closed"]["worst"],
            note="no goal of the design",
        ),
        absolute_row(
            what="AI messages claimed after their takeover",
            unit="",
            ours=claimed,
            goal=Goal(bound=0, at_least=False),
            note=f"of {single['count'] + burst['count']} conversations; {run['calls']['messages']} reached Meta",
        ),
    ]


async def _claimed(dsn: str, conversations: list[UUID]) -> int:
    db = await asyncpg.connect(dsn)
    try:
        return int(await db.fetchval(_CLAIMED, conversations))
    finally:
        await db.close()
