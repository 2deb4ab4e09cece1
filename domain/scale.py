"""How many of each part there should be: what people asked for, and how far it is carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """What can be scaled while everything runs."""

    SHARDS = "shards"
    WEBHOOK = "webhook"
    API = "api"


#: A shard is a process of 300 MB with four connections; a replica also takes a port of its checkout,
#: two while it is replaced.
MOST: Final = {Part.SHARDS: 64, Part.WEBHOOK: 8, Part.API: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One part's wish. `rollout` is raised to have its processes replaced by new ones."""

    part: Part
    wanted: int
    rollout: int = 1
    #: Raised by every change; `settled` is the last one that was carried out.
    generation: int = 1
    settled: int = 0

    @property
    def is_settled(self) -> bool:
        return self.settled >= self.generation
