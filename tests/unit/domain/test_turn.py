"""The quiet period: by completeness, capped, in the database's time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from domain.turn import Completeness, QuietRule, completeness_of
from tests.factories import NOW

RULE = QuietRule(base=timedelta(seconds=3), cap=timedelta(seconds=15))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quanto custa o plano?", Completeness.COMPLETE),
        ("Obrigada!", Completeness.COMPLETE),
        ("queria saber o preço do plano", Completeness.OPEN),
        ("quanto custa o plano", Completeness.OPEN),
        ("obrigada", Completeness.OPEN),
        ("quero saber do plano", Completeness.DANGLING),
        ("tenho uma padaria", Completeness.DANGLING),
        ("", Completeness.OPEN),
        ("oi", Completeness.DANGLING),
        ("Bom dia, tudo bem?", Completeness.DANGLING),
        ("eu queria saber se", Completeness.DANGLING),
        ("tenho uma loja,", Completeness.DANGLING),
    ],
)
def test_completeness_is_read_from_the_end_of_the_text(text, expected):
    assert completeness_of(text) is expected


def test_the_wait_is_about_1_3_and_6_seconds():
    waits = [RULE.wait_after(c).total_seconds() for c in Completeness]
    assert waits == pytest.approx([1.2, 3.0, 6.0], abs=0.2)


def test_a_base_of_zero_waits_for_nothing():
    rule = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))
    assert rule.due([(NOW, Completeness.DANGLING)]) == NOW


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(Completeness)), min_size=1, max_size=10)
)
def test_the_turn_is_due_after_the_last_message_and_never_after_the_cap(arrivals):
    stamped = [(NOW + timedelta(seconds=s), last) for s, last in arrivals]
    first = min(at for at, _ in stamped)
    due = RULE.due(stamped)
    assert due <= first + RULE.cap
    assert due >= min(max(at for at, _ in stamped), first + RULE.cap)


@pytest.mark.parametrize(("pause_s", "waits_s"), [(2, 6), (4, 8), (6, 9)])
def test_who_types_slowly_is_waited_for_until_the_cap(pause_s, waits_s):
    last = NOW + timedelta(seconds=pause_s)
    due = RULE.due([(NOW, Completeness.DANGLING), (last, Completeness.DANGLING)])
    assert due == last + timedelta(seconds=waits_s)
    complete = RULE.due([(NOW, Completeness.DANGLING), (last, Completeness.COMPLETE)])
    assert complete == last + timedelta(seconds=1.2)
