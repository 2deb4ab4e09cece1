"""What the webhook brought is stored once, for the right person, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.house import SECOND, a_house, inbound, intake_of, long_ago, received, status, store

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database)
    yield pool
    await pool.close()


async def count(pool: asyncpg.Pool, table: str) -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names of ours


async def test_a_message_makes_a_contact_a_conversation_an_event_and_a_bubble(pool):
    receipt = await store(pool, inbound("Oi, quero saber do plano"))
    assert [e.kind for e in receipt.events] == ["message"]
    row = await pool.fetchrow(
        "SELECT m.body, m.author, m.status, c.unread_count, c.last_inbound_number, p.name,"
        " w.open_until > now() + interval '23 hours' AS open FROM messages m"
        " JOIN conversations c ON c.id = m.conversation_id JOIN contacts p ON p.id = c.contact_id"
        " JOIN service_windows w ON w.contact_id = p.id"
    )
    assert tuple(row) == (
        "Oi, quero saber do plano", "contact", "received", 1, "106000000000001", "Ana Souza", True,
    )  # fmt: skip


async def test_the_same_webhook_five_times_is_stored_once(pool):
    change = inbound("Oi", wamid="wamid.SAME")
    receipts = [await store(pool, change) for _ in range(5)]
    assert [len(r.events) for r in receipts] == [1, 0, 0, 0, 0]
    assert await count(pool, "messages") == 1
    assert await count(pool, "webhook_bodies") == 5


async def test_a_copy_inside_one_flush_is_stored_once(pool):
    change = inbound("Oi", wamid="wamid.TWIN")
    receipt = await intake_of(pool).store([received(change), received(change)])
    assert len(receipt.events) == 1


async def test_messages_of_one_person_land_in_one_conversation_in_order(pool):
    texts = [f"mensagem {n}" for n in range(20)]
    await intake_of(pool).store([received(inbound(t)) for t in texts])
    rows = await pool.fetch("SELECT body FROM messages ORDER BY seq")
    assert [r["body"] for r in rows] == texts
    assert await count(pool, "conversations") == 1


async def test_the_ninth_digit_does_not_split_a_person(pool):
    await store(pool, inbound("sem nove", wa_id="553188887777"))
    await store(pool, inbound("com nove", wa_id="5531988887777"))
    assert await count(pool, "contacts") == 1


async def test_a_landline_is_not_taken_for_a_mobile(pool):
    await store(pool, inbound("fixo", wa_id="551140041234"))
    await store(pool, inbound("celular", wa_id="5511940041234"))
    assert await count(pool, "contacts") == 2


async def test_a_person_without_a_phone_is_known_by_the_bsuid(pool):
    await store(pool, inbound("sem telefone", wa_id=None, bsuid="BR.1"))
    await store(pool, inbound("agora com", wa_id="553188887777", bsuid="BR.1"))
    assert await count(pool, "contacts") == 1
    kinds = await pool.fetch("SELECT kind FROM channel_identities ORDER BY kind")
    assert [r["kind"] for r in kinds] == ["bsuid", "phone"]


async def test_a_phone_whose_owner_has_another_bsuid_is_somebody_else(pool):
    await store(pool, inbound("dono antigo", wa_id="553188887777", bsuid="BR.OLD"))
    await pool.execute("UPDATE contacts SET right_party_confirmed_at = now()")
    await store(pool, inbound("dono novo", wa_id="553188887777", bsuid="BR.NEW"))
    assert await count(pool, "contacts") == 2
    owners = await pool.fetch(
        "SELECT b.value FROM channel_identities p JOIN channel_identities b USING (contact_id)"
        " WHERE p.kind = 'phone' AND p.superseded_at IS NULL AND b.kind = 'bsuid'"
    )
    assert [r["value"] for r in owners] == ["BR.NEW"]
    confirmed = await pool.fetchval(
        "SELECT count(*) FROM contacts WHERE right_party_confirmed_at IS NOT NULL"
    )
    assert confirmed == 0


async def test_a_changed_number_moves_with_the_person_and_clears_the_right_party(pool):
    await store(pool, inbound("oi", wa_id="553188887777", bsuid="BR.1"))
    await pool.execute("UPDATE contacts SET right_party_confirmed_at = now()")
    notice = inbound(
        wa_id="553188887777",
        type="system",
        system={
            "type": "user_changed_number", "wa_id": "553199996666", "user_id": "BR.2",
            "previous_user_id": "BR.1", "body": "changed",
        },
    )  # fmt: skip
    await store(pool, notice)
    await store(pool, inbound("sou eu", wa_id="553199996666", bsuid="BR.2"))
    assert await count(pool, "contacts") == 1
    assert await pool.fetchval("SELECT right_party_confirmed_at FROM contacts") is None


async def test_a_repeated_message_of_a_number_that_changed_makes_no_new_person(pool):
    old = inbound("antes", wa_id="553188887777", wamid="wamid.OLD")
    system = {"type": "user_changed_number", "wa_id": "553199996666", "body": "changed"}
    await store(pool, old)
    await store(pool, inbound(wa_id="553188887777", type="system", system=system))
    assert (await store(pool, old)).events == ()
    assert await count(pool, "contacts") == 1


async def test_inbound_on_any_physical_number_lands_in_the_one_conversation(pool):
    await store(pool, inbound("pela fachada"))
    await store(pool, inbound("pelo segundo", number=SECOND))
    assert await count(pool, "conversations") == 1
    assert await pool.fetchval("SELECT last_inbound_number FROM conversations") == SECOND
    assert await count(pool, "service_windows") == 2


async def test_an_unknown_number_is_stored_and_left_for_the_sweeper(pool):
    receipt = await store(pool, inbound("quem?", number="999"))
    assert receipt.events[0].conversation_id is None
    pending = await pool.fetchval(
        "SELECT count(*) FROM inbound_events WHERE worked_at IS NULL AND conversation_id IS NULL"
    )
    assert pending == 1


async def test_the_window_counts_from_metas_time_and_never_from_the_future(pool):
    await store(pool, inbound("velha", at=long_ago(20)))
    left = "SELECT extract(epoch FROM open_until - now()) / 3600 FROM service_windows"
    assert 3.9 < await pool.fetchval(left) < 4.1
    await store(pool, inbound("do futuro", at=long_ago(-5)))
    assert 23.9 < await pool.fetchval(left) < 24.1


async def test_an_ad_is_kept_as_the_origin_of_the_conversation(pool):
    referral = {"source_type": "ad", "source_id": "120", "ctwa_clid": "Aff", "headline": "Fale"}
    await store(pool, inbound("vim do anúncio", referral=referral))
    origin = await pool.fetchval("SELECT origin FROM conversations")
    assert (origin["kind"], origin["source_id"], origin["ctwa_clid"]) == ("ad", "120", "Aff")


async def test_a_tracking_code_of_a_link_is_kept_as_the_origin(pool):
    await store(pool, inbound("Quero saber mais [ref:site-topo]"))
    assert await pool.fetchval("SELECT origin FROM conversations") == {
        "kind": "link", "code": "SITE-TOPO",
    }  # fmt: skip


async def test_text_that_postgresql_cannot_store_loses_only_the_bad_characters(pool):
    await store(pool, inbound("a\x00b😀مرحبا"))
    assert await pool.fetchval("SELECT body FROM messages") == "a�b😀مرحبا"


async def test_a_batch_of_a_thousand_mixed_updates_is_stored_completely_and_in_order(pool):
    changes = []
    for n in range(1000):
        if n % 2:
            changes.append(status(f"wamid.OUT{n}", "delivered"))
        else:
            changes.append(
                inbound(f"m{n}", wa_id=f"55319888{n // 2 % 40:05d}", wamid=f"wamid.B{n}")
            )
    receipt = await store(pool, *changes)
    assert len(receipt.events) == 500
    assert len(receipt.statuses) == 500
    rows = await pool.fetch("SELECT wamid FROM inbound_events ORDER BY seq")
    assert [r["wamid"] for r in rows] == [f"wamid.B{n}" for n in range(0, 1000, 2)]
    assert await count(pool, "conversations") == 40
