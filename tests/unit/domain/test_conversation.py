"""decide: what should happen now, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from domain.consent import AiConsent, ConsentAnswer, ConsentRule
from domain.conversation import (
    ASKED_AT_SEQ,
    REMINDED,
    AskConsent,
    Mode,
    Note,
    RecordConsent,
    Rest,
    RunTurn,
    TakeOverByEcho,
    WaitQuiet,
    decide,
)
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
    assert decision.seen_up_to == 7


def test_a_message_to_a_closed_conversation_is_answered_by_the_ai():
    assert isinstance(decide(make_conversation(make_event(), mode=Mode.CLOSED), RULES), RunTurn)


def test_while_the_ai_is_paused_messages_wait_and_stay_for_the_sweeper():
    decision = decide(make_conversation(make_event(), ai_paused=True), RULES)
    assert isinstance(decision, Rest)
    assert decision.seen_up_to is None


def test_a_message_older_than_twelve_hours_by_metas_clock_is_shown_to_a_person():
    old = make_event(1, sent_at=NOW - timedelta(hours=13))
    fresh = make_event(2)
    assert decide(make_conversation(old, fresh), RULES) == Note(
        events=[old], outcome="late", tell_person=True
    )


def test_an_answer_from_the_phone_app_is_a_takeover_even_while_paused():
    echo = make_event(3, kind="echo")
    decision = decide(make_conversation(make_event(2), echo, ai_paused=True), RULES)
    assert decision == TakeOverByEcho(events=[echo])


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke", "system"])
def test_what_asks_nothing_is_noted_and_starts_no_turn(kind):
    event = make_event(content_kind=kind)
    assert decide(make_conversation(event), RULES) == Note(events=[event], outcome="noted")


def test_a_whisper_waits_for_the_next_message():
    whisper = make_event(4, kind="whisper")
    decision = decide(make_conversation(whisper), RULES)
    assert isinstance(decision, Rest)
    assert decision.seen_up_to == 4


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
    assert decision.seen_up_to == 9


def test_another_message_instead_of_the_tap_is_reminded_once():
    question, more = make_event(1), make_event(2, "alô?")
    assert decide(asked(question, more), RULES) == AskConsent(
        events=[question, more], reminder=True
    )
    again = decide(asked(question, more, **{REMINDED: True}), RULES)
    assert isinstance(again, Rest)
    assert again.seen_up_to == 2


def test_with_notice_the_first_answer_carries_the_notice_and_later_ones_do_not():
    rules = make_rules(consent=ConsentRule.NOTICE)
    first = decide(make_conversation(make_event(), consent=AiConsent.NONE), rules)
    later = decide(make_conversation(make_event(), consent=AiConsent.NOTICED), rules)
    assert isinstance(first, RunTurn)
    assert first.notice_first
    assert isinstance(later, RunTurn)
    assert not later.notice_first


KINDS = st.sampled_from(["message", "echo", "whisper", "timer", "send_failed"])
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
    if isinstance(decision, Rest) and decision.seen_up_to is not None:
        assert decision.seen_up_to == pending[-1].seq
    assert decide(replace(conversation), make_rules(consent=rule)) == decision
