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
        ("quero saber do plano", Completeness.OPEN),
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
    waits = [RULE.wait_after(t).total_seconds() for t in ("Tudo certo.", "quero saber", "oi")]
    assert waits == pytest.approx([1.2, 3.0, 6.0])


def test_a_base_of_zero_waits_for_nothing():
    rule = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))
    assert rule.due([(NOW, "oi")]) == NOW


@given(st.lists(st.tuples(st.integers(0, 40), st.text(max_size=20)), min_size=1, max_size=10))
def test_the_turn_is_due_after_the_last_message_and_never_after_the_cap(arrivals):
    stamped = [(NOW + timedelta(seconds=s), text) for s, text in arrivals]
    first = min(at for at, _ in stamped)
    due = RULE.due(stamped)
    assert due <= first + RULE.cap
    assert due <= max(at for at, _ in stamped) + 2 * RULE.base
