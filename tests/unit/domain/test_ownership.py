"""Who the owner is, from every combination of facts that can occur."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.ownership import Host, Ownership, Standing, standing_of

NOW, BEFORE = UUID(int=2), UUID(int=1)
SHARD = Host(name="conversations/3", incarnation=NOW, shard=3)
OWN = Host(name="conversation/x", incarnation=NOW, shard=None)


@pytest.mark.parametrize(
    ("ownership", "shard", "own"),
    [
        (Ownership(shard=3, incarnation=NOW), Standing.OWNER, Standing.MOVED),
        (Ownership(shard=3, incarnation=NOW, own_serves=True), Standing.MOVED, Standing.OWNER),
        (Ownership(shard=4, incarnation=NOW), Standing.MOVED, Standing.MOVED),
        (Ownership(shard=4, incarnation=NOW, own_serves=True), Standing.MOVED, Standing.OWNER),
        (Ownership(shard=3, incarnation=BEFORE), Standing.REPLACED, Standing.REPLACED),
        (
            Ownership(shard=3, incarnation=BEFORE, own_serves=True),
            Standing.REPLACED,
            Standing.REPLACED,
        ),
    ],
    ids=["shard", "own serves", "moved", "moved, own serves", "replaced", "replaced, own serves"],
)
def test_one_of_shard_and_own_actor_is_the_owner(ownership, shard, own):
    assert standing_of(SHARD, ownership) is shard
    assert standing_of(OWN, ownership) is own


def test_without_facts_the_shard_that_asks_is_the_owner():
    assert standing_of(SHARD, Ownership()) is Standing.OWNER


@pytest.mark.parametrize("own_serves", [True, False])
def test_of_two_live_hosts_never_both_are_owners(own_serves):
    ownership = Ownership(own_serves=own_serves, shard=3)
    other = Host(name="conversations/4", incarnation=NOW, shard=4)
    owners = [h for h in (SHARD, other, OWN) if standing_of(h, ownership) is Standing.OWNER]
    assert len(owners) == 1
