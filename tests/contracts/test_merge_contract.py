"""One suite for the merge of two contacts and its fake: what moves, what is fenced, what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from domain.commit import CommitVerdict, ConsentDraft
from domain.consent import AiConsent
from domain.content import Text
from domain.conversation import Mode
from domain.doorbell import RingReason
from domain.errors import MergedError, NotFoundError
from domain.ids import ConversationId, OutboxId, new_id
from domain.outbox import ClaimVerdict, NotAccepted, OutboxState
from storage.receipts import Receipt
from tests.contracts.desk import WA_ID, Desk, Row, a_conversation, claim
from tests.contracts.drafts import a_commit, a_turn, drafts
from tests.contracts.test_outbox_contract import accept
from tests.house import SECOND, inbound

BSUID = "BR.1"


@dataclass
class Twins:
    """One person known twice: `kept` under the BSUID, `gone` by phone; both have consented."""

    desk: Desk
    kept: ConversationId
    gone: ConversationId

    async def meet(self, text: str = "sou eu") -> Receipt:
        """The message that shows that both are one."""
        return await self.desk.store(inbound(text, wa_id=WA_ID, bsuid=BSUID))

    async def answers(self, row: ConversationId, *texts: str) -> list[OutboxId]:
        loaded = await self.desk.conversations.load(row)
        commit = a_commit(loaded, *drafts(*texts))
        result = await self.desk.conversations.commit(commit)
        assert result.verdict is CommitVerdict.COMMITTED
        return [draft.outbox_id for draft in commit.outbound]

    async def row(self, id_: OutboxId) -> Row:
        (found,) = [r for r in await self.desk.rows(self.kept) if r.id == id_]
        return found

    async def epoch(self) -> int:
        return (await self.desk.conversations.load(self.kept)).epoch


@pytest.fixture
async def twins(desk: Desk) -> Twins:
    gone = await a_conversation(desk, "do telefone")
    receipt = await desk.store(inbound("do id", wa_id=None, bsuid=BSUID))
    kept = receipt.events[0].conversation_id
    assert kept is not None
    await desk.set_consent("granted")
    return Twins(desk, kept, gone)


# ---- what moves


async def test_what_waits_in_both_waits_in_order_in_the_one_that_stays(twins: Twins) -> None:
    await twins.desk.store(inbound("de novo", wa_id=WA_ID))
    receipt = await twins.meet()
    loaded = await twins.desk.conversations.load(twins.kept)
    texts = ["do telefone", "do id", "de novo", "sou eu"]
    assert [e.text for e in loaded.pending] == texts
    assert [(e.conversation_id, e.outcome) for e in receipt.events] == [(twins.kept, None)]
    assert await twins.desk.events(twins.gone) == []
    assert loaded.contact_phone == WA_ID
    again = await twins.desk.store(inbound("outra", wa_id=WA_ID))
    assert (again.events[0].conversation_id, again.merged) == (twins.kept, ())


async def test_both_are_rung_as_fenced_and_both_turns_lose_their_commit(twins: Twins) -> None:
    desk = twins.desk
    loaded = [await desk.conversations.load(row) for row in (twins.gone, twins.kept)]
    receipt = await twins.meet()
    assert set(receipt.merged) == {twins.gone, twins.kept}
    assert {r.conversation_id for r in receipt.rings if r.reason is RingReason.FENCE} == {
        twins.gone, twins.kept,
    }  # fmt: skip
    for before in loaded:
        result = await desk.conversations.commit(a_commit(before, *drafts("tarde")))
        assert result.verdict is CommitVerdict.LOST
        assert (await desk.conversations.is_stale(before, 0))[0]
    assert await desk.rows(twins.kept) == []
    after = await desk.conversations.load(twins.kept)
    assert (after.epoch, after.version) == (2, 2)
    assert not any(e.left for e in after.pending)


async def test_whoever_comes_with_the_old_id_is_told_the_new_one(twins: Twins) -> None:
    desk, by = twins.desk, await twins.desk.operator()
    await twins.meet()
    for attempt in (
        lambda: desk.conversations.load(twins.gone),
        lambda: desk.acts.takeover(twins.gone, by),
        lambda: desk.acts.note(twins.gone, by, "já é cliente"),
    ):
        with pytest.raises(MergedError) as refused:
            await attempt()
        assert refused.value.into == twins.kept
    assert await desk.merges.gather(twins.gone) == twins.kept
    assert await desk.merges.gather(twins.kept) == twins.kept
    with pytest.raises(NotFoundError):
        await desk.merges.gather(ConversationId(new_id()))


async def test_a_persons_messages_leave_in_order_wherever_they_were_queued(twins: Twins) -> None:
    desk, by = twins.desk, await twins.desk.operator()
    for row, text in ((twins.kept, "um"), (twins.gone, "dois"), (twins.kept, "três")):
        await desk.acts.reply(row, by, Text(body=text))
    await twins.meet()
    rows = await desk.rows(twins.kept)
    assert [(r.author, r.state) for r in rows] == [("operator", "queued")] * 3
    assert await desk.rows(twins.gone) == []
    made, _ = await claim(desk, twins.kept)
    assert made.row is not None
    assert made.row.content["body"] == "um"
    assert (made.row.wa_id, made.row.bsuid) == (WA_ID, BSUID)
    second, _ = await claim(desk, twins.kept)
    assert second.verdict is ClaimVerdict.NOT_NEXT


async def test_of_the_same_timer_in_both_the_earlier_one_stays(twins: Twins) -> None:
    desk, now = twins.desk, await twins.desk.now()
    due = {n: now + timedelta(hours=n) for n in range(1, 6)}
    for row, key, hours in (
        (twins.kept, "a", 2), (twins.gone, "a", 1), (twins.kept, "b", 3), (twins.gone, "b", 4),
        (twins.gone, "c", 5),
    ):  # fmt: skip
        await desk.add_timer(row, key, due[hours])
    await twins.meet()
    assert await desk.timers_of(twins.kept) == [("a", due[1]), ("b", due[3]), ("c", due[5])]
    assert await desk.timers_of(twins.gone) == []


async def test_turns_costs_notes_and_calls_go_over(twins: Twins) -> None:
    desk, by = twins.desk, await twins.desk.operator()
    later = await desk.now() + timedelta(days=1)
    for row in (twins.gone, twins.kept):
        loaded = await desk.conversations.load(row)
        await desk.conversations.commit(a_commit(loaded))
        await desk.acts.note(row, by, "n")
        await desk.acts.schedule(row, by, at=later, subject="ligar")
    await twins.meet()
    loaded = await desk.conversations.load(twins.kept)
    assert (len(loaded.notes), len(loaded.calls)) == (2, 2)
    assert loaded.spending.conversation_micros == 14
    assert (await desk.cost(twins.kept), await desk.cost(twins.gone)) == (14, 0)


async def test_the_number_is_the_one_the_newest_word_came_to(twins: Twins) -> None:
    await twins.desk.store(inbound("por outro número", wa_id=WA_ID, number=SECOND))
    await twins.desk.store(notice())
    loaded = await twins.desk.conversations.load(twins.kept)
    assert (loaded.sticky_number, loaded.last_inbound_number) == (SECOND, SECOND)


# ---- the fence


async def test_drafts_of_both_are_withdrawn_and_their_questions_asked_again(twins: Twins) -> None:
    for row in (twins.gone, twins.kept):
        await twins.answers(row, "um", "dois")
    await twins.meet()
    rows = await twins.desk.rows(twins.kept)
    assert [(r.state, r.reason, r.shown) for r in rows] == [
        ("withdrawn", "merged", "withdrawn")
    ] * 4
    assert await twins.desk.events(twins.kept) == [("message", None)] * 3


async def test_a_question_whose_answer_began_to_leave_is_not_asked_again(twins: Twins) -> None:
    first, second = await twins.answers(twins.gone, "um", "dois")
    made, _ = await claim(twins.desk, twins.gone)
    assert made.verdict is ClaimVerdict.CLAIMED
    await twins.meet()
    assert (await twins.row(second)).reason == "merged"
    row = await twins.row(first)
    assert (row.state, row.epoch) == ("claimed", await twins.epoch())
    assert await twins.desk.events(twins.kept) == [
        ("message", "answered"),
        *[("message", None)] * 2,
    ]


async def test_what_was_in_flight_may_be_tried_again_after_the_merge(twins: Twins) -> None:
    (id_,) = await twins.answers(twins.gone, "um")
    _, attempt = await claim(twins.desk, twins.gone)
    await twins.meet()
    await twins.desk.outbox.record_not_accepted(not_accepted(id_, attempt))
    again, _ = await claim(twins.desk, twins.kept)
    assert again.verdict is ClaimVerdict.CLAIMED


async def test_what_may_have_arrived_and_goes_once_more_is_no_draft(twins: Twins) -> None:
    """Its question would be answered twice if it were asked again."""
    (id_,) = await twins.answers(twins.gone, "um")
    _, attempt = await claim(twins.desk, twins.gone)
    unknown = replace(not_accepted(id_, attempt), next_state=OutboxState.UNKNOWN)
    await twins.desk.outbox.record_not_accepted(unknown)
    long_healthy = await twins.desk.now() - timedelta(hours=1)
    settled = await twins.desk.outbox.settle_unknown(healthy_since=long_healthy)
    assert settled == [(twins.gone, "queued")]
    await twins.meet()
    row = await twins.row(id_)
    assert (row.state, row.possible_duplicate) == ("queued", True)
    assert await twins.desk.events(twins.kept) == [
        ("message", "answered"),
        *[("message", None)] * 2,
    ]
    again, _ = await claim(twins.desk, twins.kept)
    assert again.verdict is ClaimVerdict.CLAIMED


@pytest.mark.parametrize("whose", ["kept", "gone"])
async def test_what_meta_accepted_and_then_did_not_deliver_is_tried_again_after_the_merge(
    twins: Twins, whose: str
) -> None:
    conversation = getattr(twins, whose)
    (id_,) = await twins.answers(conversation, "um")
    await accept(twins.desk, conversation)
    await twins.meet()
    await twins.desk.statuses.requeue_failed(id_, after_s=0, reason="de novo")
    again, _ = await claim(twins.desk, twins.kept)
    assert again.verdict is ClaimVerdict.CLAIMED


@pytest.mark.parametrize("act", ["takeover", "mute", "close"])
async def test_what_was_in_flight_is_not_tried_again_where_a_person_has_it(
    twins: Twins, act: str
) -> None:
    (id_,) = await twins.answers(twins.gone, "um")
    _, attempt = await claim(twins.desk, twins.gone)
    for row in (twins.kept, twins.gone) if act == "close" else (twins.kept,):
        more: tuple[Any, ...] = ("",) if act == "close" else ()
        await getattr(twins.desk.acts, act)(row, await twins.desk.operator(), *more)
    await twins.meet()
    await twins.desk.outbox.record_not_accepted(not_accepted(id_, attempt))
    again, _ = await claim(twins.desk, twins.kept)
    assert again.verdict is ClaimVerdict.FENCED


@pytest.mark.parametrize("where", ["kept", "gone"])
async def test_what_a_person_fenced_in_flight_stays_fenced_after_they_handed_back(
    twins: Twins, where: str
) -> None:
    row, by = getattr(twins, where), await twins.desk.operator()
    (id_,) = await twins.answers(row, "um")
    _, attempt = await claim(twins.desk, row)
    await twins.desk.acts.takeover(row, by)
    await twins.desk.acts.hand_back(row, by, None)
    await twins.meet()
    await twins.desk.outbox.record_not_accepted(not_accepted(id_, attempt))
    again, _ = await claim(twins.desk, twins.kept)
    assert again.verdict is ClaimVerdict.FENCED


async def test_a_campaigns_message_is_withdrawn_and_its_decision_over(twins: Twins) -> None:
    await twins.desk.add_campaign_row(twins.gone, valid=timedelta(hours=1))
    await twins.meet()
    rows = await twins.desk.rows(twins.kept)
    assert [(r.state, r.reason) for r in rows] == [("withdrawn", "merged")]


# ---- what holds in the one that stays


async def test_a_person_at_work_in_either_has_the_one_that_stays(twins: Twins) -> None:
    desk, by = twins.desk, await twins.desk.operator()
    for row in (twins.kept, twins.gone):
        await desk.acts.escalate(row, by, reason="pediu", priority="normal")
    await desk.acts.takeover(twins.gone, by)
    await twins.meet()
    after = await desk.conversations.load(twins.kept)
    assert (after.mode, after.assignee_id, after.epoch) == (Mode.OPERATOR, by.operator_id, 3)
    assert await desk.handoffs(twins.kept) == [
        ("pediu", "normal", "closed"), ("pediu", "normal", "accepted"),
    ]  # fmt: skip
    assert after.handoff is not None
    assert after.handoff.state == "accepted"


@pytest.mark.parametrize("refused", ["kept", "gone"])
async def test_a_refusal_in_either_stands(twins: Twins, refused: str) -> None:
    loaded = await twins.desk.conversations.load(getattr(twins, refused))
    consent = ConsentDraft(state="refused", text_version="1")
    await twins.desk.conversations.commit(replace(a_commit(loaded), consent=consent))
    await twins.meet()
    assert (await twins.desk.conversations.load(twins.kept)).consent is AiConsent.REFUSED


async def test_what_a_person_wrote_about_either_is_kept(twins: Twins) -> None:
    for row, more in ((twins.gone, {"company": "Sol", "a": "1"}), (twins.kept, {"a": "2"})):
        loaded = await twins.desk.conversations.load(row)
        commit = replace(a_commit(loaded), worked=[], contact_changes=more, score=0.5)
        await twins.desk.conversations.commit(commit)
    await twins.meet()
    after = await twins.desk.conversations.load(twins.kept)
    assert (after.contact_company, after.contact_profile) == ("Sol", {"a": "2"})
    assert after.score == pytest.approx(0.5)


async def test_a_notice_that_names_both_merges_and_asks_nothing(twins: Twins) -> None:
    receipts = [await twins.desk.store(notice()) for _ in range(2)]
    assert [len(r.merged) for r in receipts] == [2, 0]
    events = await twins.desk.events(twins.kept)
    assert events == [("message", None), ("message", None), ("identity", "noted")]


# ---- what is written to the old one afterwards


async def test_what_was_written_late_is_swept_and_gathered_once(twins: Twins) -> None:
    desk = twins.desk
    await twins.meet()
    await desk.leave_behind(twins.gone, "atrasada", "message")
    assert twins.gone in await desk.conversations.list_unworked(older_than_s=0)
    assert [await desk.merges.gather(twins.gone) for _ in range(2)] == [twins.kept] * 2
    loaded = await desk.conversations.load(twins.kept)
    assert [e.text for e in loaded.pending] == ["do telefone", "do id", "sou eu", "atrasada"]
    assert (loaded.epoch, loaded.mode) == (2, Mode.AGENT)
    assert await desk.events(twins.gone) == []


async def test_an_answer_from_the_phone_app_that_came_late_fences_where_it_goes(
    twins: Twins,
) -> None:
    await twins.meet()
    await twins.answers(twins.kept, "rascunho")
    await twins.desk.leave_behind(twins.gone, "do celular", "echo")
    for _ in range(2):
        await twins.desk.merges.gather(twins.gone)
    after = await twins.desk.conversations.load(twins.kept)
    assert (after.epoch, after.mode) == (3, Mode.OPERATOR)
    assert [(r.state, r.reason) for r in await twins.desk.rows(twins.kept)] == [
        ("withdrawn", "fenced")
    ]


async def test_a_turn_that_was_stopped_by_the_merge_is_journalled_where_it_goes_on(
    twins: Twins,
) -> None:
    loaded = await twins.desk.conversations.load(twins.gone)
    await twins.meet()
    await twins.desk.conversations.record_turn(loaded, a_turn(loaded))
    await twins.desk.merges.gather(twins.gone)
    after = await twins.desk.conversations.load(twins.kept)
    assert (after.spending.conversation_micros, await twins.desk.cost(twins.kept)) == (7, 7)


def not_accepted(id_: OutboxId, attempt: Any) -> NotAccepted:
    return NotAccepted(
        attempt_id=attempt, outbox_id=id_, outcome="rejected", next_state=OutboxState.QUEUED,
        reason="throttled", retry_after_s=0, http_status=400, code=130429, detail="",
    )  # fmt: skip


def notice() -> dict[str, Any]:
    """Meta tells the BSUID of a phone without anybody having written."""
    system: dict[str, Any] = {
        "id": "wamid.NOTICE", "timestamp": "1790000000", "type": "system", "from": WA_ID,
        "system": {"type": "user_changed_user_id", "wa_id": WA_ID, "user_id": BSUID, "body": "x"},
    }  # fmt: skip
    return inbound("", wa_id=WA_ID, bsuid=BSUID, wamid="wamid.NOTICE", **system)
