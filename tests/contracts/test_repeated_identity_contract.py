"""What Meta delivers again about who somebody is moves nothing again, for the intake and its fake."""

from __future__ import annotations

from typing import Any

from tests.contracts.desk import WA_ID, Desk, a_conversation
from tests.house import inbound

NEW_WA_ID = "5531999996666"


def changed_number(wamid: str = "wamid.NOTICE") -> dict[str, Any]:
    """Meta's notice without any BSUID: the person at WA_ID has NEW_WA_ID now."""
    system = {"type": "user_changed_number", "wa_id": NEW_WA_ID, "body": "changed"}
    return inbound(wa_id=WA_ID, type="system", system=system, wamid=wamid)


async def test_a_repeated_notice_of_a_changed_number_leaves_the_thread_where_it_is(
    desk: Desk,
) -> None:
    row = await a_conversation(desk)
    for _ in range(3):
        await desk.store(changed_number())
    receipt = await desk.store(inbound("sou eu", wa_id=NEW_WA_ID))
    assert [e.conversation_id for e in receipt.events] == [row]


async def test_the_same_notice_twice_in_one_flush_is_one_notice(desk: Desk) -> None:
    row = await a_conversation(desk)
    receipt = await desk.store(changed_number(), changed_number())
    assert [e.conversation_id for e in receipt.events] == [row]
    receipt = await desk.store(inbound("sou eu", wa_id=NEW_WA_ID))
    assert [e.conversation_id for e in receipt.events] == [row]


async def test_a_later_change_back_is_another_notice_and_counts(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.store(changed_number())
    system = {"type": "user_changed_number", "wa_id": WA_ID, "body": "changed"}
    back = inbound(wa_id=NEW_WA_ID, type="system", system=system, wamid="wamid.BACK")
    await desk.store(back)
    await desk.store(changed_number())
    receipt = await desk.store(inbound("voltei", wa_id=WA_ID))
    assert [e.conversation_id for e in receipt.events] == [row]
