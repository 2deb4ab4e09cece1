"""Two contacts are one person: which of what they had holds from now on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from domain.consent import AiConsent
from domain.conversation import ASKED_AT_SEQ, REMINDED, Mode
from domain.handoff import Priority
from domain.ids import CaseId, ConversationId, HandoffId, OperatorId, new_id
from domain.merging import (
    ActiveCase,
    Thread,
    WaitingHandoff,
    choose_case,
    choose_handoff,
    may_ai_go_on,
    unite,
    unite_consent,
)
from tests.factories import NOW

ANA, BIA = OperatorId(new_id()), OperatorId(new_id())


def a_thread(**changes: object) -> Thread:
    thread = Thread(
        id=ConversationId(new_id()),
        mode=Mode.AGENT,
        assignee_id=None,
        state={},
        handoff=None,
        case=None,
        last_message_at=NOW,
    )
    return replace(thread, **changes)  # type: ignore[arg-type]


def a_handoff(
    priority: Priority = Priority.NORMAL, *, accepted: bool = False, minutes: int = 0
) -> WaitingHandoff:
    at = NOW + timedelta(minutes=minutes)
    return WaitingHandoff(
        id=HandoffId(new_id()), accepted=accepted, priority=priority, queued_at=at
    )


@pytest.mark.parametrize(
    ("one", "other", "mode"),
    [
        (Mode.AGENT, Mode.OPERATOR, Mode.OPERATOR),
        (Mode.AGENT, Mode.MUTED, Mode.MUTED),
        (Mode.MUTED, Mode.OPERATOR, Mode.OPERATOR),
        (Mode.CLOSED, Mode.AGENT, Mode.AGENT),
        (Mode.CLOSED, Mode.MUTED, Mode.MUTED),
        (Mode.CLOSED, Mode.CLOSED, Mode.CLOSED),
    ],
)
def test_a_person_at_work_wins_then_silence_then_the_open_thread(one, other, mode):
    assert unite(a_thread(mode=one), a_thread(mode=other)).mode is mode
    assert unite(a_thread(mode=other), a_thread(mode=one)).mode is mode


def test_the_assignee_of_whoever_speaks_is_kept():
    kept, gone = (
        a_thread(mode=Mode.MUTED, assignee_id=BIA),
        a_thread(mode=Mode.OPERATOR, assignee_id=ANA),
    )
    assert unite(kept, gone).assignee_id == ANA
    assert unite(gone, kept).assignee_id == ANA


def test_an_assignee_is_kept_when_the_speaker_has_none():
    kept, gone = a_thread(mode=Mode.MUTED), a_thread(assignee_id=BIA)
    assert unite(kept, gone).assignee_id == BIA


def test_of_two_people_at_work_the_one_of_the_surviving_thread_keeps_it():
    kept, gone = (a_thread(mode=Mode.OPERATOR, assignee_id=who) for who in (ANA, BIA))
    assert unite(kept, gone).assignee_id == ANA


def test_of_two_people_at_work_one_who_accepted_a_hand_off_comes_first():
    accepted = a_handoff(accepted=True)
    kept = a_thread(mode=Mode.OPERATOR, assignee_id=ANA)
    gone = a_thread(mode=Mode.OPERATOR, assignee_id=BIA, handoff=accepted)
    united = unite(kept, gone)
    assert (united.assignee_id, united.handoff_id) == (BIA, accepted.id)


def test_an_accepted_hand_off_wins_over_a_more_urgent_one():
    accepted, urgent = a_handoff(Priority.LOW, accepted=True), a_handoff(Priority.URGENT)
    assert choose_handoff(a_thread(handoff=urgent), a_thread(handoff=accepted)) == accepted


def test_the_more_urgent_hand_off_wins_then_the_older():
    old, new = a_handoff(minutes=0), a_handoff(minutes=5)
    high = a_handoff(Priority.HIGH, minutes=9)
    assert choose_handoff(a_thread(handoff=old), a_thread(handoff=high)) == high
    assert choose_handoff(a_thread(handoff=new), a_thread(handoff=old)) == old
    assert choose_handoff(a_thread(handoff=old), a_thread(handoff=new)) == old


def test_of_two_accepted_hand_offs_that_of_who_has_the_conversation_stays():
    mine, other = a_handoff(accepted=True), a_handoff(Priority.URGENT, accepted=True)
    kept = a_thread(mode=Mode.OPERATOR, assignee_id=ANA, handoff=mine)
    united = unite(kept, a_thread(mode=Mode.AGENT, handoff=other))
    assert (united.assignee_id, united.handoff_id) == (ANA, mine.id)
    gone = a_thread(mode=Mode.OPERATOR, assignee_id=ANA, handoff=mine)
    assert unite(a_thread(handoff=other), gone).handoff_id == mine.id


ORDER = ["dispute", "collection", "renewal", "repurchase", "sales"]


@given(st.sampled_from(ORDER), st.sampled_from(ORDER))
def test_the_case_that_binds_most_stays_active_and_of_equal_ones_the_surviving(one, other):
    kept = a_thread(case=ActiveCase(id=CaseId(new_id()), purpose=one))
    gone = a_thread(case=ActiveCase(id=CaseId(new_id()), purpose=other))
    expected = gone.case if ORDER.index(other) < ORDER.index(one) else kept.case
    assert choose_case(kept, gone) == expected


def test_what_only_one_has_stays():
    case, handoff = ActiveCase(id=CaseId(new_id()), purpose="sales"), a_handoff()
    gone = a_thread(case=case, handoff=handoff)
    united = unite(a_thread(), gone)
    assert (united.case_id, united.handoff_id) == (case.id, handoff.id)


@given(st.sampled_from(AiConsent), st.sampled_from(AiConsent))
def test_a_refusal_wins_and_a_yes_beats_everything_less(one, other):
    united = unite_consent(one, other)
    assert united is unite_consent(other, one)
    assert united in {one, other}
    if AiConsent.REFUSED in {one, other}:
        assert united is AiConsent.REFUSED
    elif AiConsent.GRANTED in {one, other}:
        assert united is AiConsent.GRANTED


def test_a_question_still_open_is_answered_before_a_notice_counts():
    assert unite_consent(AiConsent.NOTICED, AiConsent.ASKED) is AiConsent.ASKED


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("consent", AiConsent)
def test_the_ai_tries_again_only_where_it_may_speak(mode, consent):
    allowed = mode is Mode.AGENT and consent is not AiConsent.REFUSED
    assert may_ai_go_on(mode, consent) is allowed


def test_the_state_of_the_newer_thread_holds_but_an_answer_meets_the_question_asked_last():
    asked_last = {ASKED_AT_SEQ: 9, "consent_message_id": "m", REMINDED: True, "agent": {"a": 1}}
    asked_first = {ASKED_AT_SEQ: 4, "consent_text_version": "v1", "agent": {"b": 2}}
    kept = a_thread(state=asked_last, last_message_at=NOW)
    gone = a_thread(state=asked_first, last_message_at=NOW + timedelta(minutes=1))
    united = unite(kept, gone)
    assert united.gone_is_newer
    assert united.state == {
        ASKED_AT_SEQ: 9, "consent_message_id": "m", REMINDED: True, "agent": {"b": 2},
    }  # fmt: skip


def test_a_thread_without_a_message_is_never_the_newer():
    silent = a_thread(last_message_at=None)
    assert not unite(a_thread(), silent).gone_is_newer
    assert unite(silent, a_thread()).gone_is_newer
    assert not unite(silent, silent).gone_is_newer
