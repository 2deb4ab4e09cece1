"""Carries out what `vitrine scale` and `vitrine rollout` asked for. Knows nothing of Ray.

It runs in the process that deployed. What was asked is a row of `scale`; a restart in the middle
finds it again, and a round that fails is done again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from domain.scale import Part, Scale

log = structlog.get_logger()


class Wishes(Protocol):
    async def list_parts(self) -> Mapping[Part, Scale]: ...
    async def settle(self, scale: Scale) -> None: ...


class ShardKeeping(Protocol):
    async def settle(self, wanted: int) -> None: ...


class ReplicaKeeping(Protocol):
    async def scale(self, part: Part, count: int) -> None: ...


class Scaling:
    """`deployed` is the scale both applications were deployed with; `redeploy` rolls one of them."""

    def __init__(
        self,
        *,
        wishes: Wishes,
        shards: ShardKeeping,
        replicas: ReplicaKeeping,
        redeploy: Callable[[Scale], Awaitable[object]],
        deployed: Mapping[Part, Scale],
    ) -> None:
        self._wishes = wishes
        self._shards = shards
        self._replicas = replicas
        self._redeploy = redeploy
        self._deployed = dict(deployed)

    async def step(self, part: Part) -> bool:
        """Carries out what is wanted of one part; whether there was anything to do."""
        scale = (await self._wishes.list_parts())[part]
        if scale.is_settled:
            return False
        log.info("scale.changing", part=part, wanted=scale.wanted, rollout=scale.rollout)
        await self._carry_out(scale)
        await self._wishes.settle(scale)
        log.info("scale.settled", part=part, wanted=scale.wanted)
        return True

    async def _carry_out(self, scale: Scale) -> None:
        if scale.part is Part.SHARDS:
            await self._shards.settle(scale.wanted)
            return
        if self._deployed[scale.part].rollout != scale.rollout:
            await self._redeploy(scale)
        await self._replicas.scale(scale.part, scale.wanted)
        self._deployed[scale.part] = scale
