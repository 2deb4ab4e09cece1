"""Notices of a changed number, before and after what is written under the new one."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.house import inbound, store
from tests.integration.merging import BSUID, PHONE, where

pytestmark = pytest.mark.postgres


def notice(*, new: str, bsuid: str, previous: str, old: str = PHONE) -> dict[str, object]:
    system = {
        "type": "user_changed_number", "wa_id": new, "user_id": bsuid,
        "previous_user_id": previous, "body": "changed",
    }  # fmt: skip
    return inbound(wa_id=old, type="system", system=system)


async def test_who_wrote_under_the_new_id_before_its_notice_came_is_the_same_person(pool):
    first = await store(pool, inbound("antes", wa_id=PHONE, bsuid=BSUID))
    early = await store(pool, inbound("depois", wa_id="553199996666", bsuid="BR.2"))
    old, new = where(first), where(early)
    receipt = await store(pool, notice(new="553199996666", bsuid="BR.2", previous=BSUID))
    assert set(receipt.merged) == {old, new}
    merged = await pool.fetchval("SELECT merged_into FROM conversations WHERE id = $1", new)
    assert merged == old
    later = await store(pool, inbound("e agora", wa_id="553199996666", bsuid="BR.2"))
    assert where(later) == old


async def test_who_was_known_by_the_new_number_alone_was_its_former_owner(pool):
    first = await store(pool, inbound("antes", wa_id=PHONE, bsuid=BSUID))
    former = await store(pool, inbound("dona antiga", wa_id="553199996666"))
    await pool.execute("UPDATE contacts SET right_party_confirmed_at = now()")
    receipt = await store(pool, notice(new="553199996666", bsuid="BR.2", previous=BSUID))
    assert receipt.merged == ()
    assert await pool.fetchval("SELECT count(*) FROM contacts WHERE merged_into IS NOT NULL") == 0
    confirmed = "SELECT count(*) FROM contacts WHERE right_party_confirmed_at IS NOT NULL"
    assert await pool.fetchval(confirmed) == 0
    later = await store(pool, inbound("e agora", wa_id="553199996666", bsuid="BR.2"))
    assert where(later) == where(first) != where(former)


async def test_three_messages_of_one_flush_that_make_and_unite_two_contacts_are_one_thread(pool):
    receipt = await store(
        pool,
        inbound("pelo telefone", wa_id=PHONE),
        inbound("pelo id", wa_id=None, bsuid=BSUID),
        inbound("os dois", wa_id=PHONE, bsuid=BSUID),
    )
    [conversation] = {e.conversation_id for e in receipt.events}
    assert await pool.fetchval(
        "SELECT count(*) FROM conversations WHERE merged_into = $1", UUID(str(conversation))
    ) == 1  # fmt: skip
    assert await pool.fetchval("SELECT count(*) FROM messages") == 3
