"""One suite for the conversation store and its fake: load, commit, fence, journal, sweep."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.commit import CommitResult, CommitVerdict, ConsentDraft, HandoffDraft
from domain.consent import AiConsent
from domain.conversation import Mode
from domain.doorbell import RingReason
from domain.errors import NotFoundError
from domain.ids import ConversationId, HandoffId, PhysicalNumberId, new_id
from domain.outbox import ClaimVerdict
from domain.ownership import Ownership
from domain.spending import Spending
from domain.turn import TurnState
from tests.contracts.desk import WA_ID, Desk, a_conversation, claim
from tests.contracts.drafts import a_commit, a_turn, drafts
from tests.house import FACADE, SECOND, echo, inbound


async def test_a_conversation_that_is_not_there_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        await desk.conversations.load(ConversationId(new_id()))


async def test_what_waits_is_loaded_in_the_order_of_arrival_and_is_no_history(desk: Desk) -> None:
    row = await a_conversation(desk, "Oi", "Quanto custa?")
    loaded = await desk.conversations.load(row)
    assert [e.text for e in loaded.pending] == ["Oi", "Quanto custa?"]
    assert {e.content_kind for e in loaded.pending} == {"text"}
    assert loaded.history == []
    assert (loaded.mode, loaded.epoch, loaded.version) == (Mode.AGENT, 1, 1)
    assert loaded.consent is AiConsent.GRANTED
    assert loaded.last_inbound_number == FACADE
    assert loaded.sticky_number == FACADE
    assert (loaded.queue_length, loaded.ownership) == (0, Ownership())


async def test_an_update_delivered_again_changes_nothing(desk: Desk) -> None:
    row = await a_conversation(desk)
    change = inbound("de novo", wa_id=WA_ID, wamid="wamid.SAME")
    receipts = [await desk.store(change) for _ in range(2)]
    assert [len(r.events) for r in receipts] == [1, 0]
    assert len((await desk.conversations.load(row)).pending) == 2


async def test_a_commit_works_its_events_and_queues_its_messages_in_order(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    commit = a_commit(loaded, *drafts("um", "dois"))
    assert (await desk.conversations.commit(commit)).verdict is CommitVerdict.COMMITTED
    assert await desk.events(row) == [("message", "answered")]
    rows = await desk.rows(row)
    assert [r.message_id for r in rows] == [d.message_id for d in commit.outbound]
    assert [(r.state, r.epoch, r.shown) for r in rows] == [("queued", 1, "queued")] * 2
    after = await desk.conversations.load(row)
    assert (after.version, after.pending) == (2, [])
    assert [m.text for m in after.history] == ["Quanto custa?", "um", "dois"]
    assert await desk.turns() == [("committed", 1)]
    assert await desk.cost(row) == 7


async def test_of_two_commits_on_one_version_the_second_writes_nothing(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    results = [
        await desk.conversations.commit(a_commit(loaded, *drafts(text))) for text in ("um", "dois")
    ]
    assert results == [
        CommitResult(verdict=CommitVerdict.COMMITTED, pending=False),
        CommitResult(verdict=CommitVerdict.LOST),
    ]
    assert len(await desk.rows(row)) == 1


async def test_a_person_acting_in_between_makes_the_commit_lose(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    await desk.acts.takeover(row, await desk.operator())
    result = await desk.conversations.commit(a_commit(loaded, *drafts("um")))
    assert result.verdict is CommitVerdict.LOST
    assert await desk.conversations.is_stale(loaded, 0) == (True, True)


async def test_a_newer_message_supersedes_unless_it_was_the_last_chance(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    newest = loaded.pending[-1].seq
    await desk.store(inbound("mais uma", wa_id=WA_ID))
    assert await desk.conversations.is_stale(loaded, newest) == (False, True)
    commit = a_commit(loaded, *drafts("um"), unless_newer_than=newest)
    assert (await desk.conversations.commit(commit)).verdict is CommitVerdict.SUPERSEDED
    assert await desk.rows(row) == []
    last = replace(commit, unless_newer_than=None)
    assert await desk.conversations.commit(last) == CommitResult(
        verdict=CommitVerdict.COMMITTED, pending=True
    )
    assert await desk.events(row) == [("message", "answered"), ("message", None)]


async def test_an_answer_from_the_phone_app_fences_once_when_it_is_stored(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    await desk.conversations.commit(a_commit(loaded, *drafts("da IA")))
    by = await desk.operator()
    await desk.acts.escalate(row, by, reason="pediu", priority="high")
    answer = echo("do celular", wa_id=WA_ID, wamid="wamid.ECHO")
    receipts = [await desk.store(answer) for _ in range(2)]
    assert [[ring.reason for ring in r.rings] for r in receipts] == [[RingReason.FENCE], []]
    after = await desk.conversations.load(row)
    assert (after.epoch, after.version, after.mode) == (2, 3, Mode.OPERATOR)
    assert [(r.state, r.reason) for r in await desk.rows(row)] == [("withdrawn", "fenced")]
    assert await desk.handoffs(row) == [("pediu", "high", "accepted")]
    assert [e.kind for e in after.pending] == ["echo"]
    assert await desk.conversations.is_stale(loaded, 0) == (True, False)


async def test_two_answers_from_the_phone_app_in_one_webhook_fence_once(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.store(echo("um", wa_id=WA_ID), echo("dois", wa_id=WA_ID))
    assert (await desk.conversations.load(row)).epoch == 2


async def test_what_a_turn_learned_is_kept_and_what_it_did_not_say_stays(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    commit = replace(
        a_commit(loaded),
        state={"agent": {"x": 1}}, score=0.7, sticky_number=PhysicalNumberId("107000000000009"),
        notes=["tem padaria"], contact_changes={"company": "Sol", "ramo": "pão"},
    )  # fmt: skip
    await desk.conversations.commit(commit)
    await desk.store(inbound("e aí", wa_id=WA_ID, number=SECOND))
    loaded = await desk.conversations.load(row)
    await desk.conversations.commit(a_commit(loaded))
    after = await desk.conversations.load(row)
    assert after.state == {"agent": {"x": 1}}
    assert after.score == pytest.approx(0.7)
    assert after.sticky_number == SECOND
    assert [(author, body) for author, body, _ in after.notes] == [("agent", "tem padaria")]
    assert (after.contact_company, after.contact_profile) == ("Sol", {"ramo": "pão"})


async def test_there_is_one_open_hand_off(desk: Desk) -> None:
    row = await a_conversation(desk)
    for reason in ("primeiro", "segundo"):
        loaded = await desk.conversations.load(row)
        draft = HandoffDraft(
            id=HandoffId(new_id()), reason=reason, priority="normal", silence="none", brief={},
            raised_by="agent",
        )  # fmt: skip
        await desk.conversations.commit(replace(a_commit(loaded), worked=[], handoff=draft))
    assert await desk.handoffs(row) == [("primeiro", "normal", "queued")]
    handoff = (await desk.conversations.load(row)).handoff
    assert handoff is not None
    assert (handoff.reason, handoff.position) == ("primeiro", 1)
    assert (await desk.conversations.load(row)).queue_length == 1


async def test_consent_is_the_contacts_and_expires_decisions_made_before(desk: Desk) -> None:
    row = await a_conversation(desk)
    await desk.add_campaign_row(row, valid=timedelta(hours=1))
    loaded = await desk.conversations.load(row)
    consent = ConsentDraft(state="refused", text_version="1")
    await desk.conversations.commit(replace(a_commit(loaded), consent=consent))
    assert (await desk.conversations.load(row)).consent is AiConsent.REFUSED
    made, _ = await claim(desk, row, begun=True)
    assert made.verdict is ClaimVerdict.DECISION_EXPIRED


async def test_a_turn_that_counts_for_nothing_is_journalled_once_with_its_cost(desk: Desk) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    turn = a_turn(loaded, TurnState.SUPERSEDED)
    await desk.conversations.record_turn(loaded, turn)
    assert await desk.turns() == [("superseded", 1)]
    assert await desk.cost(row) == 7
    assert (await desk.conversations.load(row)).spending == Spending(conversation_micros=7)


async def test_what_a_conversation_spent_counts_for_a_day_and_the_days_money_is_a_switch(
    desk: Desk,
) -> None:
    row = await a_conversation(desk)
    await desk.conversations.commit(a_commit(await desk.conversations.load(row)))
    await desk.switch("day_money_spent", on=True)
    spent = (await desk.conversations.load(row)).spending
    assert spent == Spending(conversation_micros=7, day_is_spent=True)
    await desk.age(timedelta(hours=25))
    assert (await desk.conversations.load(row)).spending.conversation_micros == 0


async def test_the_sweep_finds_what_is_old_unworked_and_not_left_on_purpose(desk: Desk) -> None:
    row = await a_conversation(desk)
    unworked = desk.conversations.list_unworked
    assert await unworked(older_than_s=4) == []
    await desk.age(timedelta(seconds=5))
    assert await unworked(older_than_s=4) == [row]
    await desk.switch("ai_paused", on=True)
    assert await unworked(older_than_s=4) == []
    await desk.switch("ai_paused", on=False)
    await leave_waiting(desk, row)
    assert await unworked(older_than_s=4) == []
    assert [e.left for e in (await desk.conversations.load(row)).pending] == [True]


async def test_leaving_what_waits_says_nothing_of_an_earlier_one_that_arrived_unseen(
    desk: Desk,
) -> None:
    """Two intakes may commit in the other order of their arrival numbers, and a ring may be lost."""
    row = await a_conversation(desk, "um", "dois")
    _, second = (await desk.conversations.load(row)).pending
    await desk.conversations.leave_waiting(row, [second.seq])
    assert [e.left for e in (await desk.conversations.load(row)).pending] == [False, True]
    assert await desk.conversations.list_unworked(older_than_s=-1) == [row]


async def test_the_sweep_looks_again_at_what_waited_for_a_consent_that_is_given(desk: Desk) -> None:
    """The owner may die between the tap that grants and the turn that answers the question."""
    row = await a_conversation(desk, "Quanto custa?")
    await leave_waiting(desk, row)
    await desk.store(inbound("Aceito", wa_id=WA_ID))
    loaded = await desk.conversations.load(row)
    granted = ConsentDraft(state="granted", text_version="1", asked_message_id=None)
    commit = a_commit(
        loaded, worked=[loaded.pending[-1].seq], turn=None, outcome="granted", consent=granted
    )
    assert (await desk.conversations.commit(commit)).pending
    assert await desk.conversations.list_unworked(older_than_s=-1) == [row]


async def leave_waiting(desk: Desk, row: ConversationId) -> None:
    pending = (await desk.conversations.load(row)).pending
    await desk.conversations.leave_waiting(row, [e.seq for e in pending])


async def test_failures_are_counted_on_what_is_pending(desk: Desk) -> None:
    row = await a_conversation(desk, "um", "dois")
    await desk.conversations.count_failure(row)
    assert [e.attempts for e in (await desk.conversations.load(row)).pending] == [1, 1]
