"""Rounds ride out an absent database; calls nobody waits for are bounded."""

from __future__ import annotations

import asyncio

import asyncpg
from ray.exceptions import RayError

from actors.directory import Directory
from actors.rounds import every
from config.limits import CALLS_UNANSWERED_MAX


async def test_a_round_missed_for_the_database_does_not_end_the_rounds() -> None:
    rounds = 0
    enough = asyncio.Event()

    async def step() -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise asyncpg.ConnectionDoesNotExistError
        enough.set()

    task = asyncio.create_task(every(0, step, name="test"))
    async with asyncio.timeout(5):
        await enough.wait()
    task.cancel()


async def test_calls_to_a_silent_actor_are_bounded_and_an_answer_makes_room() -> None:
    directory = Directory()
    answers = asyncio.Event()
    made = 0

    async def call() -> None:
        nonlocal made
        made += 1
        await answers.wait()

    told = [directory.tell("conversations/0", call) for _ in range(CALLS_UNANSWERED_MAX + 5)]
    assert told.count(True) == CALLS_UNANSWERED_MAX
    assert directory.tell("conversations/1", call), "another actor has room of its own"
    await asyncio.sleep(0)
    assert made == CALLS_UNANSWERED_MAX + 1
    answers.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert directory.tell("conversations/0", call)


async def test_a_call_to_a_dead_actor_makes_room_too() -> None:
    directory = Directory()

    async def dies() -> None:
        raise RayError

    for _ in range(CALLS_UNANSWERED_MAX * 2):
        assert directory.tell("conversations/0", dies)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
