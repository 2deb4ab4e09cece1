"""Own actors: entrusted when ready, released before they end, given up when another shard retired them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

import actors.conversation.own
from actors.conversation.own import OwnActors
from actors.parts import Parts
from domain.doorbell import Ring, RingReason
from domain.ids import ConversationId, new_id
from telemetry.tasks import start


@dataclass
class FakeRows:
    """`own_actors` and `owner_leases` as far as one shard sees them; `said` is what happened, in order."""

    said: list[str]
    maximum: int = 1
    serving: dict[ConversationId, bool] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    idle_reads: int = 0

    async def grant_own(self, conversation_id: ConversationId, shard: int, maximum: int) -> bool:
        if len(self.serving) >= maximum:
            return False
        self.serving[conversation_id] = False
        return True

    async def longest_idle(self, idle_for: timedelta) -> ConversationId | None:
        return next((one for one, serving in self.serving.items() if serving), None)

    async def list_idle_own(self, shard: int, idle_for: timedelta) -> list[ConversationId]:
        self.idle_reads += 1
        if self.failures:
            raise self.failures.pop()
        return []

    async def list_own(self, shard: int) -> dict[ConversationId, bool]:
        return dict(self.serving)

    async def entrust(self, conversation_id: ConversationId) -> bool:
        if conversation_id in self.serving:
            self.serving[conversation_id] = True
        return conversation_id in self.serving

    async def touch_own(self, conversation_id: ConversationId) -> bool:
        return self.serving.get(conversation_id, False)

    async def release_own(self, conversation_id: ConversationId) -> None:
        self.said.append("released")
        self.serving.pop(conversation_id, None)

    async def forget(self, name: str) -> None:
        self.said.append("forgotten")


class FakeActor:
    """A handle of an own actor; every method answers `answer`."""

    def __init__(self, *, answer: bool = True) -> None:
        self.answer = answer
        self.rung = 0

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *_: self._call(name))

    async def _call(self, name: str) -> bool:
        self.rung += name == "ring"
        return self.answer


@dataclass
class FakeDirectory:
    said: list[str]
    actors: dict[str, FakeActor] = field(default_factory=dict)

    async def find(self, name: str) -> FakeActor | None:
        return self.actors.get(name)

    async def create(self, kind: str, name: str, *_: object) -> FakeActor:
        return self.actors.setdefault(name, FakeActor())

    async def retire(self, name: str) -> None:
        self.said.append("ended")
        self.actors.pop(name, None)

    def tell(self, name: str, call: Any) -> None:
        _ = start(call(), name=name)


@dataclass
class World:
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = FakeRows(self.said)
        self.directory = FakeDirectory(self.said)

    def shard(self) -> OwnActors:
        parts = SimpleNamespace(actor_rows=self.rows, directory=self.directory, settings=None)
        return OwnActors(cast("Parts", parts), shard=0, shell=object, maximum=self.rows.maximum)


@pytest.fixture
def world() -> World:
    return World()


def a_ring(conversation_id: ConversationId) -> Ring:
    return Ring(conversation_id=conversation_id, reason=RingReason.MESSAGE)


async def test_rings_are_passed_on_only_from_the_entrusting_on(world):
    own, conversation = world.shard(), ConversationId(new_id())
    assert not await own.pass_on(a_ring(conversation))
    assert await own.start(conversation)
    assert world.rows.serving == {conversation: True}
    assert await own.pass_on(a_ring(conversation))


async def test_what_another_shard_retired_is_worked_here_again(world):
    mine, other = world.shard(), world.shard()
    conversation, newcomer = ConversationId(new_id()), ConversationId(new_id())
    await mine.start(conversation)
    assert await other.start(newcomer)  # the longest idle one makes room
    assert list(world.rows.serving) == [newcomer]
    assert not await mine.pass_on(a_ring(conversation))


async def test_a_grant_is_released_before_its_actor_ends(world):
    await (own := world.shard()).start(ConversationId(new_id()))
    await own.start(ConversationId(new_id()))
    assert world.said == ["released", "ended", "forgotten"]


async def test_an_actor_that_is_working_makes_no_room(world):
    own, conversation = world.shard(), ConversationId(new_id())
    await own.start(conversation)
    for actor in world.directory.actors.values():
        actor.answer = False
    assert not await own.start(ConversationId(new_id()))
    assert list(world.rows.serving) == [conversation]


async def test_after_a_restart_of_the_shard_a_start_that_was_interrupted_leaves_nothing(world):
    conversation, interrupted = ConversationId(new_id()), ConversationId(new_id())
    world.rows.maximum = 2
    await world.shard().start(conversation)
    world.rows.serving[interrupted] = False
    await (again := world.shard()).readopt()
    assert list(world.rows.serving) == [conversation]
    assert await again.pass_on(a_ring(conversation))


async def test_an_own_actor_that_is_gone_is_given_up_at_the_next_ring(world):
    own, conversation = world.shard(), ConversationId(new_id())
    await own.start(conversation)
    world.directory.actors.clear()
    assert not await own.pass_on(a_ring(conversation))
    assert world.rows.serving == {}


async def test_idle_ones_are_looked_for_again_after_the_database_was_away(world, monkeypatch):
    monkeypatch.setattr(actors.conversation.own, "_KEEP_EVERY_S", 0)
    world.rows.failures = [OSError("away")]
    keeping = start(world.shard().keep(), name="keep")
    async with asyncio.timeout(5):
        while world.rows.idle_reads < 3:  # noqa: ASYNC110 - the fake has no event to wait for
            await asyncio.sleep(0)
    assert not keeping.done()
    keeping.cancel()
