"""The doorbell finds a conversation whose bucket moved: it rereads its table once and rings again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from ray.exceptions import ActorDiedError
from typing_extensions import override

from actors.conversation.messages import RingConversations
from actors.directory import Directory, ShardDoorbell
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, new_id
from routing.shards import BUCKETS


class FakeShard:
    """A handle whose `ring.remote` keeps what the shard hosts and hands the rest back."""

    def __init__(self, name: str, *, hosts: bool = True, dead: bool = False) -> None:
        self.name = name
        self.hosts = hosts
        self.dead = dead
        self.heard: list[UUID] = []

    @property
    def ring(self) -> FakeShard:
        return self

    async def remote(self, message: RingConversations) -> Sequence[UUID]:
        if self.dead:
            raise ActorDiedError
        rung = [conversation_id for conversation_id, _ in message.rings]
        self.heard += rung
        return () if self.hosts else tuple(rung)


class FakeDirectory(Directory):
    def __init__(self, *shards: FakeShard) -> None:
        super().__init__()
        self._shards = {shard.name: shard for shard in shards}

    @override
    async def find(self, name: str) -> FakeShard | None:
        return self._shards.get(name)


class Tables:
    """The tables PostgreSQL answers with, one a read; the last one for ever."""

    def __init__(self, *shards: int) -> None:
        self._shards = list(shards)
        self.reads = 0

    async def __call__(self) -> list[int]:
        self.reads += 1
        shard = self._shards.pop(0) if len(self._shards) > 1 else self._shards[0]
        return [shard] * BUCKETS


def a_ring() -> Ring:
    return Ring(conversation_id=ConversationId(new_id()), reason=RingReason.MESSAGE)


async def settled() -> None:
    """Until nothing but this test runs any more."""
    async with asyncio.timeout(5):
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


@pytest.mark.parametrize("old", ["wrong", "dead", "missing"])
async def test_a_ring_for_a_bucket_that_moved_reaches_its_new_shard(old):
    new = FakeShard("conversations/1")
    before = FakeShard("conversations/0", hosts=False, dead=old == "dead")
    directory = FakeDirectory(*([new] if old == "missing" else [before, new]))
    tables = Tables(0, 1)
    ring = a_ring()
    await ShardDoorbell(directory, tables).ring([ring])
    await settled()
    assert new.heard == [ring.conversation_id]
    assert tables.reads == 2


async def test_a_ring_nobody_hosts_is_tried_twice_and_left_to_the_sweeper():
    lost = FakeShard("conversations/0", hosts=False)
    tables = Tables(0)
    await ShardDoorbell(FakeDirectory(lost), tables).ring([a_ring()])
    await settled()
    assert len(lost.heard) == 2
    assert tables.reads == 2


async def test_rings_of_one_group_are_one_call_and_one_read_of_the_table():
    shard = FakeShard("conversations/0")
    tables = Tables(0)
    bell = ShardDoorbell(FakeDirectory(shard), tables)
    rings = [a_ring() for _ in range(5)]
    await bell.ring(rings)
    await bell.ring([a_ring()])
    await settled()
    assert shard.heard[:5] == [ring.conversation_id for ring in rings]
    assert tables.reads == 1
