"""One suite for what people do and its fake: the fence, what is in flight, what is pending after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.commit import CommitVerdict
from domain.content import Text
from domain.conversation import Mode
from domain.errors import NotFoundError, RejectedError
from domain.ids import ConversationId, MessageId, new_id
from domain.outbox import ClaimVerdict, OutboxState
from tests.contracts.desk import WA_ID, Desk, a_conversation, claim
from tests.contracts.drafts import a_commit, drafts
from tests.contracts.test_outbox_contract import again, queue, refused
from tests.house import inbound

DAY = timedelta(days=1)

Act = Callable[[Desk, ConversationId, Any], Any]

FENCING: dict[str, Act] = {
    "takeover": lambda d, row, by: d.acts.takeover(row, by),
    "assign": lambda d, row, by: d.acts.assign(row, by, to=by.operator_id),
    "reply": lambda d, row, by: d.acts.reply(row, by, Text(body="da Bia")),
    "hand_back": lambda d, row, by: d.acts.hand_back(row, by, None),
    "close": lambda d, row, by: d.acts.close(row, by, "resolvido"),
    "mute": lambda d, row, by: d.acts.mute(row, by),
}
MODES = {"hand_back": Mode.AGENT, "close": Mode.CLOSED, "mute": Mode.MUTED}


@pytest.mark.parametrize("act", FENCING)
async def test_an_act_raises_the_epoch_and_withdraws_the_drafts_of_the_ai(
    desk: Desk, act: str
) -> None:
    row, _ = await queue(desk, "da IA")
    await FENCING[act](desk, row, await desk.operator())
    loaded = await desk.conversations.load(row)
    assert (loaded.epoch, loaded.mode) == (2, MODES.get(act, Mode.OPERATOR))
    draft = (await desk.rows(row))[0]
    assert (draft.state, draft.reason, draft.shown) == ("withdrawn", "fenced", "withdrawn")


@pytest.mark.parametrize("act", FENCING)
async def test_what_was_claimed_or_unknown_is_told_as_in_flight(desk: Desk, act: str) -> None:
    row, rows = await queue(desk, "um")
    _, attempt = await claim(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.UNKNOWN))
    done = await FENCING[act](desk, row, await desk.operator())
    fence = done.fence if act == "reply" else done
    assert fence.in_flight == (MessageId((await desk.rows(row))[0].message_id),)


@pytest.mark.parametrize("act", FENCING)
async def test_a_conversation_that_is_not_theirs_is_not_found_and_nothing_changes(
    desk: Desk, act: str
) -> None:
    row, _ = await queue(desk, "um")
    by = await desk.operator()
    scoped = type(by)(
        operator_id=by.operator_id, audit_name="x", row_scope=by.operator_id, at=by.at
    )
    with pytest.raises(NotFoundError):
        await FENCING[act](desk, row, scoped)
    assert (await desk.conversations.load(row)).epoch == 1


async def test_a_reply_is_queued_with_the_new_epoch_and_deals_with_what_waited(
    desk: Desk,
) -> None:
    row = await a_conversation(desk, "Oi", "Tem alguém?")
    by = await desk.operator()
    await desk.acts.whisper(row, by, "ofereça o anual")
    reply = await desk.acts.reply(row, by, Text(body="da Bia"))
    assert await desk.events(row) == [
        ("message", "answered_by_person"),
        ("message", "answered_by_person"),
        ("whisper", None),
    ]
    person = (await desk.rows(row))[0]
    assert (person.message_id, person.epoch, person.author) == (reply.message_id, 2, "operator")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


async def test_a_reply_outside_the_window_is_refused_and_changes_nothing(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    await desk.age(timedelta(hours=25))
    with pytest.raises(RejectedError):
        await desk.acts.reply(row, await desk.operator(), Text(body="tarde"))
    assert (await desk.conversations.load(row)).epoch == 1
    assert [r.state for r in await desk.rows(row)] == ["queued"]


async def test_after_a_hand_back_only_what_came_after_the_persons_message_is_pending(
    desk: Desk,
) -> None:
    row = await a_conversation(desk, "Tem alguém?")
    by = await desk.operator()
    await desk.acts.reply(row, by, Text(body="Oi"))
    await desk.store(inbound("E o preço?", wa_id=WA_ID))
    await desk.acts.hand_back(row, by, None)
    assert [e.text for e in (await desk.conversations.load(row)).pending] == ["E o preço?"]


async def test_a_takeover_leaves_what_waits_pending_until_the_hand_back_says(desk: Desk) -> None:
    row = await a_conversation(desk, "um", "dois", "três")
    by = await desk.operator()
    await desk.acts.takeover(row, by)
    pending = (await desk.conversations.load(row)).pending
    assert len(pending) == 3
    await desk.acts.hand_back(row, by, pending[1].message_id)
    assert [e.text for e in (await desk.conversations.load(row)).pending] == ["três"]
    await desk.acts.hand_back(row, by, "all")
    assert (await desk.conversations.load(row)).pending == []


async def test_a_hand_back_lets_the_sweep_look_again(desk: Desk) -> None:
    row = await a_conversation(desk)
    by = await desk.operator()
    await desk.acts.takeover(row, by)
    pending = (await desk.conversations.load(row)).pending
    await desk.conversations.leave_waiting(row, [e.seq for e in pending])
    await desk.acts.hand_back(row, by, None)
    assert await desk.conversations.list_unworked(older_than_s=-1) == [row]


async def test_a_person_who_takes_over_accepts_the_hand_off_and_handing_back_ends_it(
    desk: Desk,
) -> None:
    row = await a_conversation(desk)
    by = await desk.operator()
    await desk.acts.escalate(row, by, reason="um", priority="normal")
    await desk.acts.escalate(row, by, reason="dois", priority="high")
    assert await desk.handoffs(row) == [("dois", "high", "queued")]
    await desk.acts.takeover(row, by)
    assert await desk.handoffs(row) == [("dois", "high", "accepted")]
    await desk.acts.hand_back(row, by, None)
    assert await desk.handoffs(row) == [("dois", "high", "returned")]


@pytest.mark.parametrize("act", ["whisper", "escalate"])
async def test_helping_the_ai_fences_nothing(desk: Desk, act: str) -> None:
    row, _ = await queue(desk, "um")
    by = await desk.operator()
    if act == "whisper":
        await desk.acts.whisper(row, by, "diga o prazo")
    else:
        await desk.acts.escalate(row, by, reason="pediu", priority="high")
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED


GUIDING: dict[str, Act] = {
    "whisper": lambda d, row, by: d.acts.whisper(row, by, "diga o prazo"),
    "note": lambda d, row, by: d.acts.note(row, by, "já é cliente"),
    "qualify": lambda d, row, by: d.acts.qualify(row, by, 0.9),
    "schedule": lambda d, row, by: d.acts.schedule(row, by, at=by.at + DAY, subject="proposta"),
}


@pytest.mark.parametrize("act", GUIDING)
async def test_guidance_is_an_event_that_supersedes_a_draft_and_raises_no_epoch(
    desk: Desk, act: str
) -> None:
    row = await a_conversation(desk)
    loaded = await desk.conversations.load(row)
    newest = loaded.pending[-1].seq
    await GUIDING[act](desk, row, await desk.operator())
    assert await desk.conversations.is_stale(loaded, newest) == (False, True)
    commit = a_commit(loaded, *drafts("um"), unless_newer_than=newest)
    assert (await desk.conversations.commit(commit)).verdict is CommitVerdict.SUPERSEDED
    after = await desk.conversations.load(row)
    assert [e.kind for e in after.pending] == ["message", act]
    assert after.epoch == loaded.epoch
    assert after.score == (pytest.approx(0.9) if act == "qualify" else None)
    assert [n[:2] for n in after.notes] == ([("Bia", "já é cliente")] if act == "note" else [])
    assert [c[0] for c in after.calls] == (["proposta"] if act == "schedule" else [])


async def parked(desk: Desk) -> tuple[ConversationId, MessageId]:
    row, rows = await queue(desk, "um", carries_money=True)
    _, attempt = await claim(desk, row)
    await desk.outbox.record_not_accepted(refused(rows[0], attempt, OutboxState.PARKED))
    return row, MessageId((await desk.rows(row))[0].message_id)


async def test_a_parked_message_is_sent_again_under_todays_epoch(desk: Desk) -> None:
    row, message = await parked(desk)
    by = await desk.operator()
    await desk.acts.takeover(row, by)
    await desk.acts.resend(message, by)
    again_ = (await desk.rows(row))[0]
    assert (again_.state, again_.epoch, again_.possible_duplicate) == ("queued", 2, True)
    assert (await claim(desk, row))[0].verdict is ClaimVerdict.CLAIMED
    with pytest.raises(RejectedError):
        await desk.acts.resend(message, by)


async def test_a_parked_message_that_arrived_is_settled(desk: Desk) -> None:
    row, message = await parked(desk)
    await desk.acts.arrived(message, await desk.operator())
    only = (await desk.rows(row))[0]
    assert (only.state, only.shown, only.reason) == (
        "accepted", "delivered", "confirmed_by_person",
    )  # fmt: skip


async def test_only_a_message_that_is_there_and_parked_is_decided(desk: Desk) -> None:
    row, _ = await queue(desk, "um")
    by = await desk.operator()
    with pytest.raises(NotFoundError):
        await desk.acts.arrived(MessageId(new_id()), by)
    with pytest.raises(RejectedError):
        await desk.acts.arrived(MessageId((await desk.rows(row))[0].message_id), by)
    await again(desk, row, "dois")
