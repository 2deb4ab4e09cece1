"""One suite for the outbox and its fake: every verdict of the claim, and what came of an attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from config import limits
from domain.commit import ConsentDraft
from domain.consent import AiConsent
from domain.content import Text
from domain.ids import AttemptId, ConversationId, OutboxId, new_id
from domain.outbox import Accepted, ClaimVerdict, NotAccepted, OutboxState
from tests.contracts.desk import WA_ID, Desk, a_conversation, claim
from tests.contracts.drafts import a_commit, drafts
from tests.house import FACADE, SECOND, inbound

HOUR = timedelta(hours=1)


async def queue(desk: Desk, *texts: str, **more: object) -> tuple[ConversationId, list[OutboxId]]:
    """A conversation whose turn left these messages to send."""
    row = await a_conversation(desk)
    await again(desk, row, *texts, **more)
    return row, [r.id for r in await desk.rows(row)]


async def again(desk: Desk, row: ConversationId, *texts: str, **more: object) -> None:
    loaded = await desk.conversations.load(row)
    await desk.conversations.commit(a_commit(loaded, *drafts(*texts, **more)))  # type: ignore[arg-type]


async def accept(desk: Desk, row: ConversationId) -> AttemptId:
    """Claims the next row and records Meta's 200."""
    made, attempt = await claim(desk, row)
    assert made.verdict is ClaimVerdict.CLAIMED
    assert made.row is not None
    await desk.outbox.record_accepted(
        Accepted(
            attempt_id=attempt, outbox_id=made.row.id, wamid=f"wamid.{attempt}", wa_id=None,
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


async def due(desk: Desk, *, begun: bool = False) -> list[ConversationId]:
    return await desk.outbox.list_due(
        older_than=timedelta(seconds=2), limit=10, business_initiated=begun
    )


# ---- the claim


async def test_the_next_row_is_the_lowest_that_waits_with_its_address_and_number(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "um", "dois")
    asked = await desk.outbox.claim_next(row, AttemptId(new_id()), lane=None, sender="test")
    assert (asked.verdict, asked.attempt_n) == (ClaimVerdict.OTHER_LANE, 0)
    assert asked.row is not None
    assert (asked.row.id, asked.row.wa_id) == (rows[0], "5531988887777")
    lane = asked.row.lane
    assert (lane.phone_number_id, lane.messages_per_second) == (FACADE, 80)
    assert await states(desk, row) == [("queued", "queued")] * 2
    made = await desk.outbox.claim_next(row, AttemptId(new_id()), lane=lane, sender="test")
    assert (made.verdict, made.attempt_n, made.row) == (ClaimVerdict.CLAIMED, 1, asked.row)


async def test_a_row_is_claimed_once(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED
    second, _ = await claim(desk, row)
    assert (second.verdict, second.row) == (ClaimVerdict.GONE, None)
    assert await states(desk, row) == [("claimed", "queued")]


async def test_where_nothing_waits_nothing_is_claimed(desk: Desk) -> None:
    assert (await claim(desk, ConversationId(new_id())))[0].verdict is ClaimVerdict.GONE
    assert (await claim(desk, await a_conversation(desk)))[0].verdict is ClaimVerdict.GONE


async def test_a_number_that_cannot_send_claims_nothing(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await desk.number_is("paused")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.NO_NUMBER
    await desk.age(timedelta(seconds=3))
    assert await due(desk) == []
    await desk.number_is("healthy")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_a_later_row_waits_for_an_earlier_one(desk: Desk) -> None:
    row, rows = await queue(desk, "um", "dois")
    await claim(desk, row)
    later, _ = await claim(desk, row)
    assert later.verdict is ClaimVerdict.NOT_NEXT
    assert later.row is not None
    assert later.row.id == rows[1]


async def test_the_next_bubble_waits_for_sent_or_a_while(desk: Desk) -> None:
    row, _ = await queue(desk, "um", "dois")
    await accept(desk, row)
    waits, _ = await claim(desk, row)
    assert waits.verdict is ClaimVerdict.WAITS_FOR_SENT
    assert waits.retry_after is not None
    assert timedelta(0) < waits.retry_after <= limits.SENT_WAIT
    await desk.age(limits.SENT_WAIT)
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_a_draft_that_comes_back_after_a_persons_act_is_withdrawn(desk: Desk) -> None:
    row, rows = await queue(desk, "da IA")
    _, attempt = await claim(desk, row)
    await desk.acts.takeover(row, await desk.operator())
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.QUEUED))
    await desk.age(timedelta(seconds=31))
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.FENCED
    assert await states(desk, row) == [("withdrawn", "withdrawn")]


async def test_an_act_withdraws_no_fixed_wording(desk: Desk) -> None:
    row = await a_conversation(desk)
    await again(desk, row, "fixa", author="system")
    await desk.acts.takeover(row, await desk.operator())
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_while_the_ai_is_paused_only_its_own_messages_wait(desk: Desk) -> None:
    row, _ = await queue(desk, "da IA")
    await desk.switch("ai_paused", on=True)
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.PAUSED
    await desk.age(timedelta(seconds=5))
    assert await due(desk) == []
    await desk.acts.reply(row, await desk.operator(), Text(body="da Bia"))
    made, _ = await claim(desk, row)
    assert made.verdict is ClaimVerdict.CLAIMED
    assert [r.author for r in await desk.rows(row) if r.state == "claimed"] == ["operator"]


async def test_a_row_is_not_claimed_before_its_time(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.QUEUED))
    early, _ = await claim(desk, row)
    assert early.verdict is ClaimVerdict.NOT_DUE
    assert early.retry_after is not None
    assert timedelta(seconds=25) < early.retry_after <= timedelta(seconds=30)
    assert await states(desk, row) == [("queued", "queued")]
    await desk.age(timedelta(seconds=31))
    late, _ = await claim(desk, row)
    assert (late.verdict, late.attempt_n) == (ClaimVerdict.CLAIMED, 2)


async def test_the_thread_moves_to_the_number_the_contact_wrote_to_last(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await desk.store(inbound("por aqui", wa_id=WA_ID, number=SECOND, at=await desk.now()))
    there, _ = await claim(desk, row)
    assert there.verdict is ClaimVerdict.OTHER_LANE
    assert there.row is not None
    assert there.row.lane.phone_number_id == SECOND
    assert there.row.number_reason == "o cliente escreveu para este número"
    assert (await claim(desk, row, SECOND))[0].verdict is ClaimVerdict.CLAIMED


async def test_the_number_of_an_attempt_stays_the_rows(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.QUEUED))
    await desk.store(inbound("por aqui", wa_id=WA_ID, number=SECOND, at=await desk.now()))
    await desk.age(timedelta(seconds=31))
    assert (await claim(desk, row, SECOND))[0].verdict is ClaimVerdict.OTHER_LANE
    again_, _ = await claim(desk, row)
    assert (again_.verdict, again_.attempt_n) == (ClaimVerdict.CLAIMED, 2)


async def test_the_window_closes_after_a_day_and_a_person_is_told(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await desk.age(timedelta(hours=25))
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.WINDOW_CLOSED
    assert [r.reason for r in await desk.rows(row)] == ["window_closed"]
    assert await states(desk, row) == [("parked", "parked")]
    assert await desk.events(row) == [("message", "answered"), ("send_failed", None)]


async def test_twenty_messages_of_the_ai_an_hour_are_enough_and_a_person_is_told(
    desk: Desk,
) -> None:
    row = await a_conversation(desk)
    for n in range(limits.AGENT_MESSAGES_PER_HOUR + 1):
        await again(desk, row, f"m{n}")
        if n < limits.AGENT_MESSAGES_PER_HOUR:
            await accept(desk, row)
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.LOOP_CAP
    assert (await desk.rows(row))[-1].reason == "loop_cap"
    assert (await desk.events(row))[-1] == ("send_failed", None)
    loaded = await desk.conversations.load(row)
    assert (loaded.spoken_in_hour, loaded.spoken_in_day) == (limits.AGENT_MESSAGES_PER_HOUR,) * 2
    await desk.age(HOUR)
    loaded = await desk.conversations.load(row)
    assert (loaded.spoken_in_hour, loaded.spoken_in_day) == (0, limits.AGENT_MESSAGES_PER_HOUR)
    await again(desk, row, "depois")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


@pytest.mark.parametrize("why", ["opted out", "too late", "neither"])
async def test_a_campaign_row_needs_a_decision_that_still_holds(desk: Desk, why: str) -> None:
    row = await a_conversation(desk)
    await desk.add_campaign_row(row, valid=HOUR)
    if why == "opted out":
        await desk.raise_contactability()
    if why == "too late":
        await desk.age(2 * HOUR)
    made, _ = await claim(desk, row, begun=True)
    expected = ClaimVerdict.CLAIMED if why == "neither" else ClaimVerdict.DECISION_EXPIRED
    assert made.verdict is expected


async def test_what_we_begin_is_due_apart_and_must_have_been_paced_as_such(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.add_campaign_row(row, valid=HOUR)
    await desk.age(timedelta(seconds=3))
    assert (await due(desk), await due(desk, begun=True)) == ([], [row])
    as_reply, _ = await claim(desk, row)
    assert as_reply.verdict is ClaimVerdict.OTHER_LANE
    assert as_reply.row is not None
    assert as_reply.row.lane.business_initiated
    assert (await claim(desk, row, begun=True))[0].verdict is ClaimVerdict.CLAIMED


async def test_a_number_that_only_replies_begins_nothing(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.add_campaign_row(row, valid=HOUR)
    await again(desk, row, "resposta")
    await desk.number_only_replies()
    assert (await claim(desk, row, begun=True))[0].verdict is ClaimVerdict.REPLIES_ONLY
    assert (await desk.rows(row))[0].reason == "replies_only"
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_without_the_notice_that_goes_before_it_the_ai_says_nothing(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    notice, answer = drafts("aviso", author="system")[0], drafts("resposta")[0]
    told = ConsentDraft(state="noticed", text_version="1", asked_message_id=notice.message_id)
    await desk.conversations.commit(
        a_commit(loaded, notice, replace(answer, position=1), consent=told)
    )
    _, attempt = await claim(desk, row)
    notice_row = (await desk.rows(row))[0]
    lost = replace(refused(notice_row.id, attempt, OutboxState.FAILED), code=131026)
    assert (await desk.conversations.load(row)).consent is AiConsent.NOTICED
    await desk.outbox.record_not_accepted(lost)
    assert (await desk.conversations.load(row)).consent is AiConsent.NONE
    await again(desk, row, "ainda assim")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.NOT_NOTICED
    assert (await desk.rows(row))[-1].reason == "not_noticed"


# ---- what came of it


async def test_an_accepted_message_is_settled_and_a_second_answer_changes_nothing(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "um")
    attempt = await accept(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.FAILED))
    assert await states(desk, row) == [("accepted", "accepted")]
    assert (await desk.rows(row))[0].settled


async def test_a_refused_message_takes_its_later_bubbles_along_and_tells_a_person(
    desk: Desk,
) -> None:
    row, rows = await queue(desk, "um", "dois")
    _, attempt = await claim(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.FAILED))
    assert await states(desk, row) == [("failed", "failed"), ("withdrawn", "withdrawn")]
    assert (await desk.rows(row))[1].reason == "earlier_bubble_failed"
    assert await desk.events(row) == [("message", "answered"), ("send_failed", None)]


async def test_a_claim_without_a_result_becomes_unknown_and_goes_once_more(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await claim(desk, row)
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


async def unknown(desk: Desk, row: ConversationId) -> None:
    made, attempt = await claim(desk, row, begun=True)
    assert made.row is not None
    await desk.outbox.record_not_accepted(refused(made.row.id, attempt, OutboxState.UNKNOWN))


@pytest.mark.parametrize("kind", ["money", "operator", "second time", "campaign"])
async def test_what_must_not_go_twice_is_parked_after_the_grace(desk: Desk, kind: str) -> None:
    row = await a_conversation(desk)
    if kind == "operator":
        await desk.acts.reply(row, await desk.operator(), Text(body="da Bia"))
    elif kind == "campaign":
        await desk.add_campaign_row(row, valid=HOUR)
    else:
        await again(desk, row, "um", carries_money=kind == "money")
    settled: list[tuple[ConversationId, str]] = []
    for _ in range(2 if kind == "second time" else 1):
        await unknown(desk, row)
        await desk.age(limits.UNKNOWN_GRACE)
        settled = await desk.outbox.settle_unknown(healthy_since=await desk.now() - HOUR)
    assert settled == [(row, "parked")]
    assert await states(desk, row) == [("parked", "parked")]
    assert ("send_failed", None) in await desk.events(row)


async def test_a_late_200_settles_what_was_unknown(desk: Desk) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, row)
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
    _, attempt = await claim(desk, row)
    await desk.acts.reply(row, await desk.operator(), Text(body="da Bia"))
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.NOT_NEXT
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.UNKNOWN))
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_due_rows_are_found_unless_something_before_them_is_open(desk: Desk) -> None:
    row, _ = await queue(desk, "um", "dois")
    assert await due(desk) == []  # young rows are their committer's
    await desk.age(timedelta(seconds=3))
    assert await due(desk) == [row]
    await claim(desk, row)
    assert await due(desk) == []


async def test_a_row_that_waits_for_a_blocked_number_is_told_once(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await desk.number_is("paused")
    assert await desk.outbox.file_blocked() == []
    await desk.age(timedelta(minutes=2))
    assert await desk.outbox.file_blocked() == [row]
    assert await desk.outbox.file_blocked() == []
