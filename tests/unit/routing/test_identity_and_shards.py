"""Who wrote, and in which shard they live."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from routing.identity import KnownIdentity, resolve_change, resolve_sender
from routing.shards import BUCKETS, bucket_of, shard_of, spread

A, B = UUID(int=1), UUID(int=2)


def test_nobody_known_is_a_new_contact_with_all_identities():
    found = resolve_sender(phone="5531988887777", bsuid="BR.1", parent_bsuid=None, known={})
    assert found.contact_id is None
    assert set(found.attach) == {("phone", "5531988887777"), ("bsuid", "BR.1")}


def test_a_phone_attaches_to_a_contact_without_a_bsuid():
    found = resolve_sender(
        phone="5531988887777",
        bsuid="BR.1",
        parent_bsuid=None,
        known={("phone", "5531988887777"): KnownIdentity(contact_id=A, bsuid=None)},
    )
    assert (found.contact_id, found.attach) == (A, (("bsuid", "BR.1"),))


def test_a_phone_whose_owner_has_another_bsuid_makes_a_new_contact():
    found = resolve_sender(
        phone="5531988887777",
        bsuid="BR.2",
        parent_bsuid=None,
        known={("phone", "5531988887777"): KnownIdentity(contact_id=A, bsuid="BR.1")},
    )
    assert found.contact_id is None
    assert found.release == (("phone", "5531988887777"),)


def test_the_bsuid_wins_over_a_phone_that_somebody_else_holds():
    found = resolve_sender(
        phone="5531988887777",
        bsuid="BR.2",
        parent_bsuid=None,
        known={
            ("phone", "5531988887777"): KnownIdentity(contact_id=A, bsuid="BR.1"),
            ("bsuid", "BR.2"): KnownIdentity(contact_id=B, bsuid="BR.2"),
        },
    )
    assert found.contact_id == B
    assert found.release == (("phone", "5531988887777"),)
    assert found.merge_from is None


def test_a_phone_only_contact_that_turns_out_to_be_a_known_bsuid_is_the_same_person():
    found = resolve_sender(
        phone="5531988887777",
        bsuid="BR.2",
        parent_bsuid=None,
        known={
            ("phone", "5531988887777"): KnownIdentity(contact_id=A, bsuid=None),
            ("bsuid", "BR.2"): KnownIdentity(contact_id=B, bsuid="BR.2"),
        },
    )
    assert (found.contact_id, found.merge_from) == (B, A)


def test_who_already_writes_under_the_new_id_of_a_notice_is_the_same_person():
    known = {
        ("bsuid", "BR.2"): KnownIdentity(contact_id=B, bsuid="BR.2"),
        ("phone", "5531999996666"): KnownIdentity(contact_id=B, bsuid="BR.2"),
    }
    assert resolve_change(contact_id=A, new_bsuid="BR.2", known=known) == B
    assert resolve_change(contact_id=B, new_bsuid="BR.2", known=known) is None


@pytest.mark.parametrize("owners_bsuid", [None, "BR.9"])
def test_who_was_known_by_the_new_number_of_a_notice_is_somebody_else(owners_bsuid):
    known = {("phone", "5531999996666"): KnownIdentity(contact_id=B, bsuid=owners_bsuid)}
    assert resolve_change(contact_id=A, new_bsuid="BR.2", known=known) is None
    assert resolve_change(contact_id=A, new_bsuid=None, known=known) is None


@given(st.uuids(), st.integers(1, 64))
def test_every_conversation_lives_in_exactly_one_existing_shard(conversation_id, shards):
    table = spread(shards)
    assert len(table) == BUCKETS
    assert 0 <= shard_of(conversation_id, table) < shards
    assert bucket_of(conversation_id) == bucket_of(conversation_id)


@pytest.mark.parametrize("shards", [1, 2, 4, 8])
def test_buckets_are_shared_evenly(shards):
    table = spread(shards)
    assert {table.count(shard) for shard in range(shards)} == {BUCKETS // shards}
