"""Looking an actor up blocks while the head is away; nobody waits for it longer than he would answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import ray

import actors.directory
from actors.directory import NUMBER_POOL, Directory, RemoteNumberPool
from domain.ids import ConversationId, new_id


class Head:
    """Ray's directory of names: `away`, a lookup hangs until it is back."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.lookups = 0

    def get_actor(self, name: str, namespace: str) -> str:
        self.lookups += 1
        self.back.wait(10)
        return f"handle of {name}"


@pytest.fixture
def head(monkeypatch) -> Iterator[Head]:
    head = Head()
    monkeypatch.setattr(ray, "get_actor", head.get_actor)
    monkeypatch.setattr(actors.directory, "_CALL_TIMEOUT_S", 0.05)
    yield head
    head.back.set()


async def test_without_a_head_a_thread_keeps_its_number_at_once(head):
    pool = RemoteNumberPool(Directory())
    async with asyncio.timeout(5):
        choice = await pool.choose(ConversationId(new_id()), traffic_class="sales", written_to=None)
    assert choice is None


async def test_many_who_look_for_one_actor_are_one_lookup(head):
    directory = Directory()
    looking = [asyncio.create_task(directory.find(NUMBER_POOL)) for _ in range(50)]
    impatient = asyncio.create_task(directory.find(NUMBER_POOL))
    await asyncio.sleep(0)
    impatient.cancel()
    head.back.set()
    assert set(await asyncio.gather(*looking)) == {"handle of number_pool"}
    assert head.lookups == 1
    assert await directory.find(NUMBER_POOL) == "handle of number_pool"
