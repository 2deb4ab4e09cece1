"""One suite for statuses, timers and their fakes: forward only, by wamid or by attempt, once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from domain.ids import ConversationId, OutboxId
from domain.outbox import ClaimVerdict, OutboxState
from storage.statuses import AppliedStatus
from tests.contracts.desk import Desk, a_conversation, claim
from tests.contracts.test_outbox_contract import accept, queue, refused, states
from tests.house import status


async def tell(desk: Desk, wamid: str, *said: str, **more: object) -> list[AppliedStatus]:
    """Stores these statuses in one webhook and applies them."""
    receipt = await desk.store(*(status(wamid, s, **more) for s in said))  # type: ignore[arg-type]
    return await desk.statuses.apply(receipt.statuses)


async def an_accepted(desk: Desk) -> tuple[ConversationId, OutboxId, str]:
    row, rows = await queue(desk, "um")
    attempt = await accept(desk, row)
    return row, rows[0], f"wamid.{attempt}"


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])), ids="-".join)
async def test_statuses_in_any_order_end_in_the_same_place(
    desk: Desk, order: tuple[str, ...]
) -> None:
    row, _, wamid = await an_accepted(desk)
    for one in order:
        await tell(desk, wamid, one)
    assert await states(desk, row) == [("accepted", "read")]


async def test_of_several_in_one_set_the_highest_counts_and_the_rest_are_done(desk: Desk) -> None:
    row, _, wamid = await an_accepted(desk)
    applied = await tell(desk, wamid, "read", "sent", "delivered")
    assert [(a.status, a.moved, a.conversation_id) for a in applied] == [("read", True, row)]
    await desk.age(timedelta(seconds=2))
    assert await desk.statuses.apply_left_over() == []


async def test_a_status_told_twice_is_stored_once(desk: Desk) -> None:
    _, _, wamid = await an_accepted(desk)
    await tell(desk, wamid, "sent")
    assert (await desk.store(status(wamid, "sent"))).statuses == ()


async def test_a_status_that_beats_the_200_finds_its_message_by_the_attempt(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    _, attempt = await claim(desk, row)
    applied = await tell(desk, "wamid.EARLY", "sent", attempt=attempt)
    assert [(a.moved, a.settled, a.attempts) for a in applied] == [(True, True, 1)]
    assert await states(desk, row) == [("accepted", "sent")]


@pytest.mark.parametrize("state", [OutboxState.UNKNOWN, OutboxState.PARKED, OutboxState.QUEUED])
async def test_a_status_settles_what_was_open(desk: Desk, state: OutboxState) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, state))
    await tell(desk, "wamid.X", "delivered", attempt=attempt)
    assert await states(desk, row) == [("accepted", "delivered")]


async def test_a_status_says_whether_others_wait(desk: Desk) -> None:
    row, _ = await queue(desk, "um", "dois")
    attempt = await accept(desk, row)
    applied = await tell(desk, f"wamid.{attempt}", "sent")
    assert [a.others_wait for a in applied] == [True]
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_a_failure_is_overruled_by_a_delivery_and_not_the_other_way(desk: Desk) -> None:
    row, _, wamid = await an_accepted(desk)
    applied = await tell(desk, wamid, "failed", code=131026)
    assert [(a.moved, a.error_code, a.outbox_id is not None) for a in applied] == [
        (True, 131026, True)
    ]
    assert await states(desk, row) == [("accepted", "failed")]
    await tell(desk, wamid, "delivered")
    assert await states(desk, row) == [("accepted", "delivered")]


async def test_a_failed_message_goes_back_to_the_queue_or_is_given_up(desk: Desk) -> None:
    row, row_id, wamid = await an_accepted(desk)
    await tell(desk, wamid, "failed", code=131000)
    await desk.statuses.requeue_failed(row_id, after_s=30, reason="de novo")
    assert await states(desk, row) == [("queued", "queued")]
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.NOT_DUE
    await desk.age(timedelta(seconds=31))
    await accept(desk, row)
    await desk.statuses.give_up_failed(
        row_id, state=OutboxState.FAILED, reason="não dá", code=131000
    )
    assert [(r.state, r.reason) for r in await desk.rows(row)] == [("failed", "não dá")]
    assert await desk.events(row) == [("message", "answered"), ("send_failed", None)]


async def test_giving_up_withdraws_the_later_bubbles(desk: Desk) -> None:
    row, rows = await queue(desk, "um", "dois")
    await accept(desk, row)
    await desk.statuses.give_up_failed(
        rows[0], state=OutboxState.FAILED, reason="não dá", code=None
    )
    assert [r.state for r in await desk.rows(row)] == ["failed", "withdrawn"]


async def test_what_failed_because_its_number_is_stopped_waits_for_a_person(desk: Desk) -> None:
    row, row_id, wamid = await an_accepted(desk)
    await tell(desk, wamid, "failed", code=131031)
    await desk.statuses.give_up_failed(
        row_id, state=OutboxState.PARKED, reason="parado", code=131031
    )
    assert await states(desk, row) == [("parked", "parked")]
    assert ("send_failed", None) in await desk.events(row)


async def test_what_nobody_applied_is_found_after_a_second(desk: Desk) -> None:
    row, _, wamid = await an_accepted(desk)
    await desk.store(status(wamid, "sent"))
    assert await desk.statuses.apply_left_over() == []
    await desk.age(timedelta(seconds=2))
    assert len(await desk.statuses.apply_left_over()) == 1
    assert await states(desk, row) == [("accepted", "sent")]


async def test_a_status_of_another_system_is_dismissed_after_ten_minutes(desk: Desk) -> None:
    await desk.store(status("wamid.FOREIGN", "sent"))
    await desk.age(timedelta(minutes=11))
    await desk.statuses.dismiss_foreign()
    assert await desk.statuses.apply_left_over() == []


async def test_a_timer_is_an_event_once_when_it_is_due(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.add_timer(row, "agora", await desk.now())
    await desk.add_timer(row, "depois", await desk.now() + timedelta(minutes=5))
    assert await desk.timers.fire_due() == [row]
    assert await desk.timers.fire_due() == []
    pending = (await desk.conversations.load(row)).pending
    assert [(e.kind, e.payload.get("key")) for e in pending[1:]] == [("timer", "agora")]
