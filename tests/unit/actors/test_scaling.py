"""What was asked is carried out once, again after a failure, and never in part called settled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from actors.scaling.core import Scaling
from domain.errors import TransientError
from domain.scale import Part, Scale

DEPLOYED = {part: Scale(part=part, wanted=1, generation=1, settled=1) for part in Part}


@dataclass
class World:
    """The rows of `scale`, and everything the wishes reach."""

    rows: dict[Part, Scale] = field(default_factory=lambda: dict(DEPLOYED))
    done: list[tuple[str, object]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def scaling(self) -> Scaling:
        return Scaling(
            wishes=self,
            shards=self.Shards(self),
            replicas=self,
            redeploy=self.redeploy,
            deployed=dict(self.rows),
        )

    def want(self, part: Part, **changes: Any) -> None:
        row = self.rows[part]
        self.rows[part] = replace(row, generation=row.generation + 1, **changes)

    async def list_parts(self) -> dict[Part, Scale]:
        return dict(self.rows)

    async def settle(self, scale: Scale) -> None:
        self.rows[scale.part] = replace(self.rows[scale.part], settled=scale.generation)

    async def scale(self, part: Part, count: int) -> None:
        if self.failures:
            raise self.failures.pop()
        self.done.append((part, count))

    async def redeploy(self, scale: Scale) -> None:
        self.done.append(("redeploy", scale.part))

    @dataclass
    class Shards:
        world: World

        async def settle(self, wanted: int) -> None:
            self.world.done.append(("shards", wanted))


@pytest.fixture
def world() -> World:
    return World()


async def test_what_is_settled_is_left_alone(world):
    scaling = world.scaling()
    assert [await scaling.step(part) for part in Part] == [False, False, False]
    assert world.done == []


async def test_a_wish_is_carried_out_once(world):
    scaling = world.scaling()
    world.want(Part.SHARDS, wanted=4)
    world.want(Part.WEBHOOK, wanted=3)
    for part in (*Part, *Part):
        await scaling.step(part)
    assert world.done == [("shards", 4), ("webhook", 3)]
    assert all(scale.is_settled for scale in world.rows.values())


async def test_a_count_alone_restarts_no_replica_and_a_rollout_replaces_them_once(world):
    scaling = world.scaling()
    world.want(Part.API, rollout=2)
    await scaling.step(Part.API)
    world.want(Part.API, wanted=2)
    await scaling.step(Part.API)
    assert world.done == [("redeploy", "api"), ("api", 1), ("api", 2)]


async def test_what_failed_stays_open_and_is_done_again(world):
    scaling = world.scaling()
    world.failures = [TransientError("Serve is not there")]
    world.want(Part.WEBHOOK, wanted=2)
    with pytest.raises(TransientError):
        await scaling.step(Part.WEBHOOK)
    assert not world.rows[Part.WEBHOOK].is_settled
    assert await scaling.step(Part.WEBHOOK)
    assert world.done == [("webhook", 2)]


async def test_a_wish_that_came_while_another_was_carried_out_stays_open(world):
    scaling = world.scaling()
    world.want(Part.WEBHOOK, wanted=2)
    seen = world.rows[Part.WEBHOOK]
    world.want(Part.WEBHOOK, wanted=3)
    await world.settle(seen)
    assert not world.rows[Part.WEBHOOK].is_settled
    await scaling.step(Part.WEBHOOK)
    assert world.done == [("webhook", 3)]
