"""Resharding step by step: new shards first, then the buckets, then who lets go, then who takes up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError

import actors.scaling.shards
from actors.directory import own_name, shard_name
from actors.scaling.shards import Shards
from config.settings import Settings
from domain.ids import ConversationId, new_id
from routing.shards import spread


@dataclass
class World:
    """Actors by name, the table of buckets, and what was done to them in order."""

    said: list[str] = field(default_factory=list)
    running: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    table: list[int] = field(default_factory=list)
    own: list[ConversationId] = field(default_factory=list)
    leases: set[str] = field(default_factory=set)

    def shards(self) -> Shards:
        rows: Any = self
        directory: Any = SimpleNamespace(
            create=self.create, find=self.find, retire=self.retire, forget=lambda name: None
        )
        return Shards(cast("Settings", None), rows, directory)

    # -- the directory

    async def create(self, kind: str, name: str, *_: object) -> Any:
        self.running.add(name)
        return await self.find(name)

    async def find(self, name: str) -> Any:
        if name not in self.running:
            return None

        def method(what: str) -> Any:
            return SimpleNamespace(remote=lambda: self._call(name, what))

        return SimpleNamespace(
            ready=method("ready"), let_go=method("let_go"), take_up=method("take_up"),
            may_end=method("may_end"),
        )  # fmt: skip

    async def _call(self, name: str, what: str) -> bool:
        if name in self.dead:
            raise ActorDiedError
        if what != "may_end":
            self.said.append(f"{what} {name}")
        return name not in self.busy

    async def retire(self, name: str) -> None:
        self.said.append(f"end {name}")
        self.running.discard(name)

    # -- the rows

    async def list_buckets(self) -> list[int]:
        return self.table

    async def spread_buckets(self, shards: int) -> int:
        self.said.append(f"spread {shards}")
        self.table = spread(shards)
        return 1

    async def list_all_own(self) -> list[ConversationId]:
        return self.own

    async def list_hosts(self, *, older_than: timedelta) -> set[str]:
        return set(self.leases)

    async def forget(self, name: str) -> None:
        self.leases.discard(name)


@pytest.fixture
def world(monkeypatch) -> World:
    monkeypatch.setattr(actors.scaling.shards, "_EMPTY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(actors.scaling.shards, "_CALL_TIMEOUT_S", 0.05)
    return World(table=spread(2), running={shard_name(0), shard_name(1)})


async def test_more_shards_work_before_a_bucket_moves_to_them(world):
    await world.shards().settle(3)
    steps = [step.split()[0] for step in world.said]
    assert steps == ["ready"] * 3 + ["spread"] + ["let_go"] * 3 + ["take_up"] * 3
    assert world.running == {shard_name(n) for n in range(3)}


async def test_fewer_shards_end_after_all_let_go_and_those_that_stay_took_up(world):
    await world.shards().settle(1)
    assert world.said == [
        "ready conversations/0", "spread 1", "let_go conversations/0", "let_go conversations/1",
        "take_up conversations/0", "end conversations/1",
    ]  # fmt: skip


async def test_a_shard_that_is_still_working_is_not_ended(world):
    world.busy = {shard_name(1)}
    with pytest.raises(TimeoutError):
        await world.shards().settle(1)
    assert shard_name(1) in world.running
    # Its buckets are gone already: what is left is found by its lease.
    world.leases = {shard_name(0), shard_name(1)}
    with pytest.raises(TimeoutError):
        await world.shards().end_strays()
    assert shard_name(1) in world.running
    world.busy = set()
    await world.shards().end_strays()
    assert world.running == {shard_name(0)}
    assert world.leases == {shard_name(0)}


async def test_a_shard_that_does_not_answer_holds_up_neither_the_move_nor_the_ending(world):
    world.dead = {shard_name(1)}
    await world.shards().settle(1)
    assert world.running == {shard_name(0)}


async def test_only_hosts_that_nobody_names_are_strays(world):
    granted, leaked = ConversationId(new_id()), ConversationId(new_id())
    world.own = [granted]
    world.leases = {shard_name(0), shard_name(1), own_name(granted), own_name(leaked)}
    world.running |= {own_name(granted), own_name(leaked)}
    await world.shards().end_strays()
    assert own_name(leaked) not in world.running
    assert world.leases == {shard_name(0), shard_name(1), own_name(granted)}
