"""One suite for the outbox and its fake: every verdict of the claim, and what came of an attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config import limits
from domain.content import Text
from domain.ids import AttemptId, ConversationId, OutboxId, PhysicalNumberId, new_id
from domain.outbox import Accepted, ClaimVerdict, NotAccepted, OutboxState
from tests.contracts.desk import Desk, a_conversation, claim
from tests.contracts.drafts import a_commit, drafts
from tests.house import FACADE, SECOND

HOUR = timedelta(hours=1)


async def queue(desk: Desk, *texts: str, **more: object) -> tuple[ConversationId, list[OutboxId]]:
    """A conversation whose turn left these messages to send."""
    row = await a_conversation(desk)
    await again(desk, row, *texts, **more)
    return row, [r.id for r in await desk.rows(row)]


async def again(desk: Desk, row: ConversationId, *texts: str, **more: object) -> None:
    loaded = await desk.conversations.load(row)
    await desk.conversations.commit(a_commit(loaded, *drafts(*texts, **more)))  # type: ignore[arg-type]


async def accept(desk: Desk, row_id: OutboxId) -> AttemptId:
    """Claims the row and records Meta's 200."""
    made, attempt = await claim(desk, row_id)
    assert made.verdict is ClaimVerdict.CLAIMED
    await desk.outbox.record_accepted(
        Accepted(
            attempt_id=attempt, outbox_id=row_id, wamid=f"wamid.{attempt}", wa_id=None,
            http_status=200,
        )
    )  # fmt: skip
    return attempt


def refused(row_id: OutboxId, attempt: AttemptId, state: OutboxState) -> NotAccepted:
    outcome = "unknown" if state is OutboxState.UNKNOWN else "rejected"
    return NotAccepted(
        attempt_id=attempt, outbox_id=row_id, outcome=outcome, next_state=state, retry_after_s=30,
        reason="motivo", http_status=400, code=131026, detail="x",
    )  # fmt: skip


async def states(desk: Desk, row: ConversationId) -> list[tuple[str, str]]:
    return [(r.state, r.shown) for r in await desk.rows(row)]


# ---- the claim


async def test_the_next_row_is_the_lowest_that_waits_with_its_address_and_number(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "um", "dois")
    found = await desk.outbox.next_row(row)
    assert found is not None
    assert (found.id, found.phone_number_id, found.number_usable) == (rows[0], FACADE, True)
    assert found.wa_id == "5531988887777"
    assert found.not_before <= found.db_now
    await accept(desk, rows[0])
    found = await desk.outbox.next_row(row)
    assert found is not None
    assert found.id == rows[1]
    await desk.number_is("paused")
    found = await desk.outbox.next_row(row)
    assert found is not None
    assert not found.number_usable


async def test_a_row_is_claimed_once(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    first, _ = await claim(desk, rows[0])
    second, _ = await claim(desk, rows[0])
    assert (first.verdict, first.attempt_n) == (ClaimVerdict.CLAIMED, 1)
    assert second.verdict is ClaimVerdict.SETTLED
    assert await states(desk, row) == [("claimed", "queued")]


async def test_a_row_that_is_not_there_is_gone(desk: Desk) -> None:
    made, _ = await claim(desk, OutboxId(new_id()))
    assert made.verdict is ClaimVerdict.GONE


async def test_a_later_row_waits_for_an_earlier_one(desk: Desk) -> None:
    _, rows = await queue(desk, "um", "dois")
    assert (await claim(desk, rows[1]))[0].verdict is ClaimVerdict.NOT_NEXT
    await claim(desk, rows[0])
    assert (await claim(desk, rows[1]))[0].verdict is ClaimVerdict.NOT_NEXT


async def test_the_next_bubble_waits_for_sent_or_a_while(desk: Desk) -> None:
    _, rows = await queue(desk, "um", "dois")
    await accept(desk, rows[0])
    waits, _ = await claim(desk, rows[1])
    assert waits.verdict is ClaimVerdict.WAITS_FOR_SENT
    assert waits.retry_at is not None
    assert waits.retry_at - await desk.now() <= limits.SENT_WAIT
    await desk.age(limits.SENT_WAIT)
    assert (await claim(desk, rows[1]))[0].verdict is ClaimVerdict.CLAIMED


async def test_the_draft_of_an_old_epoch_is_withdrawn_and_a_fixed_wording_is_not(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "da IA")
    loaded = await desk.conversations.load(row)
    await desk.conversations.commit(
        a_commit(loaded, *drafts("fixa", author="system"), raise_epoch=True)
    )
    assert (await claim(desk, rows[0]))[0].verdict is ClaimVerdict.FENCED
    assert await states(desk, row) == [("withdrawn", "withdrawn"), ("queued", "queued")]
    fixed = (await desk.rows(row))[1]
    assert (await claim(desk, fixed.id))[0].verdict is ClaimVerdict.CLAIMED


async def test_while_the_ai_is_paused_only_its_own_messages_wait(desk: Desk) -> None:
    row, rows = await queue(desk, "da IA")
    await desk.switch("ai_paused", on=True)
    assert (await claim(desk, rows[0]))[0].verdict is ClaimVerdict.PAUSED
    await desk.age(timedelta(seconds=5))
    assert await desk.outbox.list_due(older_than=timedelta(seconds=2), limit=10) == []
    await desk.acts.reply(row, await desk.operator(), Text(body="da Bia"))
    person = (await desk.rows(row))[1]
    assert (await claim(desk, person.id))[0].verdict is ClaimVerdict.CLAIMED


async def test_a_row_is_not_claimed_before_its_time(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, rows[0])
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.QUEUED))
    early, _ = await claim(desk, rows[0])
    assert early.verdict is ClaimVerdict.NOT_DUE
    assert early.retry_at is not None
    assert await states(desk, row) == [("queued", "queued")]
    await desk.age(timedelta(seconds=31))
    late, _ = await claim(desk, rows[0])
    assert (late.verdict, late.attempt_n) == (ClaimVerdict.CLAIMED, 2)


async def test_outside_the_window_of_that_number_the_row_is_parked(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    assert (await claim(desk, rows[0], SECOND))[0].verdict is ClaimVerdict.WINDOW_CLOSED
    assert [r.reason for r in await desk.rows(row)] == ["window_closed"]
    assert await states(desk, row) == [("parked", "parked")]


async def test_the_window_closes_after_a_day(desk: Desk) -> None:
    _, rows = await queue(desk, "um")
    await desk.age(timedelta(hours=25))
    assert (await claim(desk, rows[0]))[0].verdict is ClaimVerdict.WINDOW_CLOSED


async def test_twenty_messages_of_the_ai_an_hour_are_enough(desk: Desk) -> None:
    row, newest = await a_conversation(desk), OutboxId(new_id())
    for n in range(limits.AGENT_MESSAGES_PER_HOUR + 1):
        await again(desk, row, f"m{n}")
        newest = (await desk.rows(row))[-1].id
        if n < limits.AGENT_MESSAGES_PER_HOUR:
            await accept(desk, newest)
    assert (await claim(desk, newest))[0].verdict is ClaimVerdict.LOOP_CAP
    assert (await desk.rows(row))[-1].reason == "loop_cap"
    await desk.age(HOUR)
    await again(desk, row, "depois")
    assert (await claim(desk, (await desk.rows(row))[-1].id))[0].verdict is ClaimVerdict.CLAIMED


@pytest.mark.parametrize("why", ["opted out", "too late", "neither"])
async def test_a_campaign_row_needs_a_decision_that_still_holds(desk: Desk, why: str) -> None:
    row = await a_conversation(desk)
    campaign = await desk.add_campaign_row(row, valid=HOUR)
    if why == "opted out":
        await desk.raise_contactability()
    if why == "too late":
        await desk.age(2 * HOUR)
    made, _ = await claim(desk, campaign)
    expected = ClaimVerdict.CLAIMED if why == "neither" else ClaimVerdict.DECISION_EXPIRED
    assert made.verdict is expected


# ---- what came of it


async def test_an_accepted_message_is_settled_and_a_second_answer_changes_nothing(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "um")
    attempt = await accept(desk, rows[0])
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.FAILED))
    assert await states(desk, row) == [("accepted", "accepted")]
    assert (await desk.rows(row))[0].settled


async def test_a_refused_message_takes_its_later_bubbles_along_and_tells_a_person(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "um", "dois")
    _, attempt = await claim(desk, rows[0])
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.FAILED))
    assert await states(desk, row) == [("failed", "failed"), ("withdrawn", "withdrawn")]
    assert (await desk.rows(row))[1].reason == "earlier_bubble_failed"
    assert await desk.events(row) == [("message", "answered"), ("send_failed", None)]


async def test_a_claim_without_a_result_becomes_unknown_and_goes_once_more(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    await claim(desk, rows[0])
    assert await desk.outbox.find_lost_claims() == []
    await desk.age(limits.SEND_TIMEOUT + limits.CLAIM_MARGIN + timedelta(seconds=1))
    assert await desk.outbox.find_lost_claims() == [row]
    assert await states(desk, row) == [("unknown", "unknown")]
    healthy = await desk.now() - HOUR
    assert await desk.outbox.settle_unknown(healthy_since=healthy) == []
    await desk.age(limits.UNKNOWN_GRACE)
    ill = await desk.now() - timedelta(seconds=5)
    assert await desk.outbox.settle_unknown(healthy_since=ill) == []
    healthy = await desk.now() - HOUR
    assert await desk.outbox.settle_unknown(healthy_since=healthy) == [(row, "queued")]
    only = (await desk.rows(row))[0]
    assert (only.state, only.possible_duplicate, only.attempts) == ("queued", True, 1)


async def unknown(desk: Desk, row_id: OutboxId) -> None:
    _, attempt = await claim(desk, row_id)
    await desk.outbox.record_not_accepted(refused(row_id, attempt, OutboxState.UNKNOWN))


@pytest.mark.parametrize("kind", ["money", "operator", "second time", "campaign"])
async def test_what_must_not_go_twice_is_parked_after_the_grace(desk: Desk, kind: str) -> None:
    row = await a_conversation(desk)
    if kind == "operator":
        await desk.acts.reply(row, await desk.operator(), Text(body="da Bia"))
    elif kind == "campaign":
        await desk.add_campaign_row(row, valid=HOUR)
    else:
        await again(desk, row, "um", carries_money=kind == "money")
    only = (await desk.rows(row))[0].id
    settled: list[tuple[ConversationId, str]] = []
    for _ in range(2 if kind == "second time" else 1):
        await unknown(desk, only)
        await desk.age(limits.UNKNOWN_GRACE)
        settled = await desk.outbox.settle_unknown(healthy_since=await desk.now() - HOUR)
    assert settled == [(row, "parked")]
    assert await states(desk, row) == [("parked", "parked")]
    assert ("send_failed", None) in await desk.events(row)


async def test_a_late_200_settles_what_was_unknown(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, rows[0])
    await desk.age(timedelta(seconds=16))
    await desk.outbox.find_lost_claims()
    await desk.outbox.record_accepted(
        Accepted(
            attempt_id=attempt, outbox_id=rows[0], wamid="wamid.L", wa_id=None, http_status=200
        )
    )
    assert await states(desk, row) == [("accepted", "accepted")]


async def test_a_person_passes_an_unknown_message_of_the_ai_but_not_a_claimed_one(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "da IA")
    _, attempt = await claim(desk, rows[0])
    await desk.acts.reply(row, await desk.operator(), Text(body="da Bia"))
    person = (await desk.rows(row))[1].id
    assert (await claim(desk, person))[0].verdict is ClaimVerdict.NOT_NEXT
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.UNKNOWN))
    assert (await claim(desk, person))[0].verdict is ClaimVerdict.CLAIMED


async def test_due_rows_are_found_unless_something_before_them_is_open(desk: Desk) -> None:
    row, rows = await queue(desk, "um", "dois")

    async def due() -> list[ConversationId]:
        return await desk.outbox.list_due(older_than=timedelta(seconds=2), limit=10)

    assert await due() == []  # young rows are their committer's
    await desk.age(timedelta(seconds=3))
    assert await due() == [row]
    await claim(desk, rows[0])
    assert await due() == []


async def test_a_row_that_waits_for_a_blocked_number_is_told_once(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await desk.number_is("paused")
    assert await desk.outbox.file_blocked() == []
    await desk.age(timedelta(minutes=2))
    assert await desk.outbox.file_blocked() == [row]
    assert await desk.outbox.file_blocked() == []


async def test_the_number_of_an_attempt_stays_the_rows(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.add_campaign_row(row, valid=HOUR)
    only = (await desk.rows(row))[0].id
    _, attempt = await claim(desk, only, SECOND)
    await desk.outbox.record_not_accepted(refused(only, attempt, OutboxState.QUEUED))
    found = await desk.outbox.next_row(row)
    assert found is not None
    assert (found.phone_number_id, found.attempts) == (PhysicalNumberId(SECOND), 1)
