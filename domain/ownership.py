"""Who may work a conversation now: the owner lease. It saves model money and decides nothing else.

Two hosts may hold one conversation for a moment: a node was cut off, buckets moved, an actor started
twice. What counts is decided by the compare-and-set of the commit; this only keeps the one that is
not the owner from paying for a model call. Without facts (no table yet) whoever asks is the owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Standing(StrEnum):
    """What a host is to a conversation, as of one load."""

    OWNER = "owner"
    #: Another host serves it now and should hear of what this one was rung for.
    MOVED = "moved"
    #: A later start of this host serves it, and found its work in the inbox when it started.
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One start of an actor that hosts conversations; `shard` is None for an own actor."""

    name: str
    incarnation: UUID
    shard: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What the tables say of a conversation, and of the host that loads it."""

    #: It was entrusted to its own actor.
    own_serves: bool = False
    #: The shard of its bucket.
    shard: int | None = None
    #: The newest start of the host that asks.
    incarnation: UUID | None = None


def standing_of(host: Host, ownership: Ownership) -> Standing:
    """Whether `host` is the owner; an entrusted own actor is before the shard."""
    if ownership.incarnation not in {None, host.incarnation}:
        return Standing.REPLACED
    if host.shard is None:
        return Standing.OWNER if ownership.own_serves else Standing.MOVED
    if ownership.own_serves or ownership.shard not in {None, host.shard}:
        return Standing.MOVED
    return Standing.OWNER
