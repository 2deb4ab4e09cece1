"""decide: what should happen now, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from domain.consent import AiConsent, ConsentAnswer, ConsentRule
from domain.conversation import (
    ASKED_AT_SEQ,
    ASKED_MESSAGE,
    GUIDANCE,
    REMINDED,
    WHISPER,
    AnsweredInApp,
    AskConsent,
    Mode,
    Note,
    PastMessage,
    RecordConsent,
    Rest,
    RestForMoney,
    RunTurn,
    WaitQuiet,
    decide,
    mode_after,
)
from domain.ids import MessageId, new_id
from domain.reply import (
    AgentTurn,
    NextAction,
    Outcome,
    Reply,
    RequestHandoff,
    ScheduleCall,
)
from domain.spending import TOLD_AT, Budget, Spending
from tests.factories import NOW, make_conversation, make_event, make_rules

RULES = make_rules()


def test_without_pending_events_there_is_nothing_to_do():
    assert decide(make_conversation(), RULES) == Rest()


def test_a_message_whose_quiet_period_is_over_is_answered():
    event = make_event()
    assert decide(make_conversation(event), RULES) == RunTurn(
        events=[event], last_chance=True, notice_first=False
    )


def test_a_young_message_waits_for_more():
    event = make_event(text="e também queria saber", received_at=NOW - timedelta(seconds=1))
    assert decide(make_conversation(event), RULES) == WaitQuiet(due_at=NOW + timedelta(seconds=5))


@pytest.mark.parametrize(
    ("kind", "waits_s"), [("button_reply", 1.2), ("image", 2.85), ("text", 6.0)]
)
def test_a_tap_is_whole_and_of_a_picture_nobody_knows(kind, waits_s):
    event = make_event(text="Sim", content_kind=kind, received_at=NOW)
    if kind == "text":
        event = replace(event, text="duas fotos")
    due = NOW + timedelta(seconds=waits_s)
    assert decide(make_conversation(event), RULES) == WaitQuiet(due_at=due)


def test_a_steady_stream_is_answered_when_the_cap_is_over():
    events = [
        make_event(seq, "mais uma coisa,", received_at=NOW - timedelta(seconds=16 - seq))
        for seq in range(1, 16)
    ]
    decision = decide(make_conversation(*events), RULES)
    assert isinstance(decision, RunTurn)
    assert decision.last_chance


def test_within_a_turn_events_are_in_order_of_metas_time_then_arrival():
    first = make_event(2, sent_at=NOW - timedelta(seconds=50))
    second = make_event(1, sent_at=NOW - timedelta(seconds=40))
    decision = decide(make_conversation(second, first), RULES)
    assert isinstance(decision, RunTurn)
    assert [e.seq for e in decision.events] == [2, 1]


@pytest.mark.parametrize("mode", [Mode.OPERATOR, Mode.MUTED])
def test_while_a_person_has_the_conversation_messages_wait_for_them(mode):
    decision = decide(make_conversation(make_event(7), mode=mode), RULES)
    assert isinstance(decision, Rest)
    assert decision.left == (7,)


def test_a_message_to_a_closed_conversation_is_answered_by_the_ai():
    assert isinstance(decide(make_conversation(make_event(), mode=Mode.CLOSED), RULES), RunTurn)


def test_while_the_ai_is_paused_messages_wait_and_stay_for_the_sweeper():
    decision = decide(make_conversation(make_event(), ai_paused=True), RULES)
    assert isinstance(decision, Rest)
    assert decision.left == ()


def test_a_message_older_than_twelve_hours_by_metas_clock_is_shown_to_a_person():
    old = make_event(1, sent_at=NOW - timedelta(hours=13))
    fresh = make_event(2)
    assert decide(make_conversation(old, fresh), RULES) == Note(
        events=[old], outcome="late", tell_person=True
    )


def test_an_answer_from_the_phone_app_settles_what_came_before_it_even_while_paused():
    asked, whisper, echo, more = (
        make_event(seq, kind=kind)
        for seq, kind in enumerate(["message", "whisper", "echo", "message"], 1)
    )
    decision = decide(make_conversation(asked, whisper, echo, more, ai_paused=True), RULES)
    assert decision == AnsweredInApp(events=[asked, echo])


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke", "system"])
def test_what_asks_nothing_is_noted_and_starts_no_turn(kind):
    event = make_event(content_kind=kind)
    assert decide(make_conversation(event), RULES) == Note(events=[event], outcome="noted")


def test_a_whisper_waits_for_the_next_message():
    whisper = make_event(4, kind="whisper")
    decision = decide(make_conversation(whisper), RULES)
    assert isinstance(decision, Rest)
    assert decision.left == (4,)


@pytest.mark.parametrize("kind", sorted(GUIDANCE - {WHISPER}))
def test_other_guidance_is_noted_because_the_next_turn_reads_it_elsewhere(kind):
    event = make_event(kind=kind)
    assert decide(make_conversation(event), RULES) == Note(events=[event], outcome="noted")


def test_a_failed_send_is_told_to_a_person_unless_one_is_there_already():
    failed = make_event(kind="send_failed")
    assert decide(make_conversation(failed), RULES) == Note(
        events=[failed], outcome="send_failed", tell_person=True
    )
    there = make_conversation(failed, mode=Mode.OPERATOR)
    assert decide(there, RULES) == Note(events=[failed], outcome="send_failed", tell_person=False)


# ---- consent


def test_the_first_message_of_a_stranger_is_answered_with_the_consent_wording():
    event = make_event()
    unknown = make_conversation(event, consent=AiConsent.NONE)
    assert decide(unknown, RULES) == AskConsent(events=[event])


def asked(*pending, **state):
    return make_conversation(*pending, consent=AiConsent.ASKED, state={ASKED_AT_SEQ: 1, **state})


def test_the_tap_records_the_consent_and_leaves_the_question_pending():
    question, tap = make_event(1), make_event(2, button_id="consent:ai:grant", text="Pode ser")
    assert decide(asked(question, tap), RULES) == RecordConsent(
        answer=ConsentAnswer.GRANTED, event=tap
    )


def test_a_yes_that_came_before_the_question_is_no_consent():
    decision = decide(asked(make_event(1, "sim")), RULES)
    assert isinstance(decision, Rest)


def test_a_refusal_goes_to_a_person_and_nothing_is_answered_by_the_ai_after_it():
    refused = make_conversation(make_event(9), consent=AiConsent.REFUSED)
    decision = decide(refused, RULES)
    assert isinstance(decision, Rest)
    assert decision.left == (9,)


def test_a_question_that_did_not_leave_is_asked_again_by_the_next_message_and_not_before():
    question, more = make_event(1), make_event(2, "ok")
    unasked = make_conversation(question, consent=AiConsent.NONE, state={ASKED_AT_SEQ: 1})
    assert isinstance(decide(unasked, RULES), Rest)
    again = replace(unasked, pending=[question, more])
    assert decide(again, RULES) == AskConsent(events=[question, more])


def test_who_was_only_told_is_asked_properly_and_an_ok_before_that_is_no_consent():
    ok = make_event(9, "ok")
    told = make_conversation(ok, consent=AiConsent.NOTICED, state={ASKED_AT_SEQ: 1, REMINDED: True})
    assert decide(told, RULES) == AskConsent(events=[ok])


def test_who_was_asked_in_another_thread_is_asked_in_this_one_too():
    ok = make_event(1, "ok")
    assert decide(make_conversation(ok, consent=AiConsent.ASKED), RULES) == AskConsent(events=[ok])


def test_before_the_question_left_an_ok_is_no_answer_to_it():
    question = PastMessage(
        id=MessageId(new_id()), author="system", text="Pode?", at=NOW, status="queued"
    )
    waiting = replace(
        asked(make_event(1), make_event(2, "ok"), **{ASKED_MESSAGE: str(question.id)}),
        history=[question],
    )
    assert isinstance(decide(waiting, RULES), Rest)
    left = replace(waiting, history=[replace(question, status="accepted")])
    assert isinstance(decide(left, RULES), RecordConsent)


def test_another_message_instead_of_the_tap_is_reminded_once():
    question, more = make_event(1), make_event(2, "alô?")
    assert decide(asked(question, more), RULES) == AskConsent(
        events=[question, more], reminder=True
    )
    again = decide(asked(question, more, **{REMINDED: True}), RULES)
    assert isinstance(again, Rest)
    assert again.left == (1, 2)
    question = replace(question, left=True)
    assert decide(asked(question, more, **{REMINDED: True}), RULES) == Rest(
        left=(2,), why=again.why
    )


def test_with_notice_the_first_answer_carries_the_notice_and_later_ones_do_not():
    rules = make_rules(consent=ConsentRule.NOTICE)
    first = decide(make_conversation(make_event(), consent=AiConsent.NONE), rules)
    later = decide(make_conversation(make_event(), consent=AiConsent.NOTICED), rules)
    assert isinstance(first, RunTurn)
    assert first.notice_first
    assert isinstance(later, RunTurn)
    assert not later.notice_first


KINDS = st.sampled_from(["message", "echo", "timer", "send_failed", *sorted(GUIDANCE)])
CONTENTS = st.sampled_from(["text", "reaction", "image", "system"])


@given(
    kinds=st.lists(st.tuples(KINDS, CONTENTS, st.integers(0, 60_000)), max_size=6),
    mode=st.sampled_from(list(Mode)),
    consent=st.sampled_from(list(AiConsent)),
    rule=st.sampled_from(list(ConsentRule)),
    paused=st.booleans(),
)
def test_no_turn_is_ever_run_against_a_person_a_pause_or_a_missing_consent(
    kinds, mode, consent, rule, paused
):
    pending = [
        make_event(seq, kind=kind, content_kind=content, received_at=NOW - timedelta(seconds=age))
        for seq, (kind, content, age) in enumerate(kinds, 1)
    ]
    conversation = make_conversation(*pending, mode=mode, consent=consent, ai_paused=paused)
    decision = decide(conversation, make_rules(consent=rule))
    if isinstance(decision, RunTurn):
        assert mode in {Mode.AGENT, Mode.CLOSED}
        assert not paused
        told = {AiConsent.NONE, AiConsent.NOTICED, AiConsent.GRANTED}
        assert consent in (told if rule is ConsentRule.NOTICE else {AiConsent.GRANTED})
        assert sorted(e.seq for e in decision.events) == [e.seq for e in pending]
    if isinstance(decision, WaitQuiet):
        assert decision.due_at > conversation.db_now
    # Whatever is decided, deciding again without anything new never loops: it waits or marks work.
    if isinstance(decision, Rest) and decision.left:
        assert decision.left == tuple(e.seq for e in pending)
        known = [replace(e, left=True) for e in pending]
        assert decide(replace(conversation, pending=known), make_rules(consent=rule)) == Rest(
            why=decision.why
        )
    assert decide(replace(conversation), make_rules(consent=rule)) == decision


def test_beyond_the_money_of_a_conversation_a_person_answers_and_the_contact_hears_it_once():
    spent = Spending(conversation_micros=3_000_000)
    decision = decide(make_conversation(make_event(), spending=spent), make_rules())
    assert isinstance(decision, RestForMoney)
    assert (decision.budget, decision.tell_contact) == (Budget.CONVERSATION, True)
    told = {TOLD_AT: (NOW - timedelta(hours=23)).isoformat()}
    again = decide(make_conversation(make_event(), spending=spent, state=told), make_rules())
    assert isinstance(again, RestForMoney)
    assert not again.tell_contact
    told = {TOLD_AT: (NOW - timedelta(hours=25)).isoformat()}
    later = decide(make_conversation(make_event(), spending=spent, state=told), make_rules())
    assert isinstance(later, RestForMoney)
    assert later.tell_contact


def test_beyond_the_money_of_the_day_no_conversation_costs_more():
    spent = make_conversation(make_event(), spending=Spending(day_is_spent=True))
    decision = decide(spent, make_rules())
    assert isinstance(decision, RestForMoney)
    assert decision.budget is Budget.DAY


def test_within_its_money_a_conversation_is_answered():
    spending = Spending(conversation_micros=2_999_999)
    conversation = make_conversation(make_event(), spending=spending)
    assert isinstance(decide(conversation, make_rules()), RunTurn)


def test_money_is_no_question_while_a_person_has_the_conversation_or_consent_is_missing():
    spent = {"spending": Spending(day_is_spent=True)}
    with_person = make_conversation(make_event(), mode=Mode.OPERATOR, **spent)
    assert isinstance(decide(with_person, make_rules()), Rest)
    asked = make_conversation(make_event(), consent=AiConsent.NONE, **spent)
    assert isinstance(decide(asked, make_rules()), AskConsent)


def a_turn(action: NextAction, **changes: Any) -> AgentTurn:
    reply = Reply(message="Até logo!", qualification_score=0.1, next_action=action)
    turn = AgentTurn(reply=reply, bubbles=("Até logo!",), outcome=Outcome.ANSWERED)
    return replace(turn, **changes)


def test_the_ai_closes_a_conversation_only_while_nothing_is_open() -> None:
    over = a_turn(NextAction.CLOSE)
    assert mode_after(make_conversation(), over) is Mode.CLOSED
    call = (ScheduleCall(at=NOW, subject="Apresentação"),)
    assert mode_after(make_conversation(), replace(over, effects=call)) is None
    assert mode_after(make_conversation(calls=[("Apresentação", NOW)]), over) is None
    asked = replace(over, handoff=RequestHandoff(reason="pediu"))
    assert mode_after(make_conversation(), asked) is None
    wording = replace(over, outcome=Outcome.APPROVED_WORDING)
    assert mode_after(make_conversation(), wording) is None


@pytest.mark.parametrize("action", sorted(set(NextAction) - {NextAction.CLOSE}))
def test_no_other_next_action_changes_who_may_speak(action: NextAction) -> None:
    assert mode_after(make_conversation(), a_turn(action)) is None
    assert mode_after(make_conversation(mode=Mode.CLOSED), a_turn(action)) is Mode.AGENT


@pytest.mark.parametrize("spoken", [(20, 20), (3, 60)], ids=["of the hour", "of the day"])
def test_at_a_message_cap_no_turn_is_run_and_a_person_is_told(spoken):
    event = make_event()
    hour, day = spoken
    capped = make_conversation(event, spoken_in_hour=hour, spoken_in_day=day)
    assert decide(capped, RULES) == Note(events=[event], outcome="loop_cap", tell_person=True)
    below = make_conversation(event, spoken_in_hour=hour - 1, spoken_in_day=day - 1)
    assert isinstance(decide(below, RULES), RunTurn)
