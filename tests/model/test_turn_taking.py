"""The goals of turn-taking on the synthetic rhythms (tests/model/rhythms.py), through the real cores."""

from __future__ import annotations

import pytest

from tests.model.journal import Journal
from tests.model.turn_taking import measure

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def journal():
    journal = Journal()
    yield
    journal.close()
    assert journal.defects() == []


def test_bursts_are_answered_once_soon_and_without_much_waste():
    figures = measure()
    assert figures.answered_once >= 0.95, str(figures)
    assert figures.wait_p50 < 3.0, str(figures)
    assert figures.wasted_tokens < 0.05, str(figures)
