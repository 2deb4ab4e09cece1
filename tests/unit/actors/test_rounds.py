"""A periodic step rides out what happens to it: nobody but a person would start it again."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from actors.rounds import every
from telemetry.tasks import start


async def _rounds_after(failure: Exception) -> int:
    """How often a step ran whose first run ends in `failure`."""
    runs = 0
    third = asyncio.Event()

    async def step() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise failure
        if runs == 3:
            third.set()

    rounds = start(every(0, step, name="step"), name="rounds")
    waiting = start(third.wait(), name="third round")
    await asyncio.wait({rounds, waiting}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    for task in (rounds, waiting):
        task.cancel()
    await asyncio.wait({rounds, waiting})
    return runs


@pytest.mark.parametrize(
    "failure",
    [
        asyncpg.ConnectionDoesNotExistError("cut"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError(),
        ExceptionGroup("several conversations", [asyncpg.ConnectionDoesNotExistError("cut")]),
        KeyError("a defect"),
        ExceptionGroup("several", [KeyError("a defect"), asyncpg.AdminShutdownError("restart")]),
    ],
    ids=["cut", "closed", "refused", "cut within a group", "defect", "mixed group"],
)
async def test_a_step_that_failed_is_taken_again_in_the_next_round(failure: Exception):
    assert await _rounds_after(failure) >= 3
