from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import given, strategies as st

from domain.turn_context import Author, HistoryEntry, trimmed
from tests.unit.agent.scene import NOW, make_context, queued


def entries(*sizes: int) -> list[HistoryEntry]:
    return [
        HistoryEntry(author=Author.CONTACT, text="x" * size, at=NOW + timedelta(seconds=n))
        for n, size in enumerate(sizes)
    ]


def test_the_document_is_plain_json_and_readable() -> None:
    context = make_context("oi", history=[(Author.OPERATOR, "Olá")], handoff=queued())
    document = json.loads(json.dumps(context.to_json(), ensure_ascii=False))
    assert document["now"] == "2026-11-23T10:30:00-03:00"
    assert document["history"][0]["author"] == "operator"
    assert document["pending"][0]["text"] == "oi"
    assert document["conversation"]["handoff"] == {
        "reason": "pediu",
        "silence": "none",
        "position": 2,
    }


@given(st.lists(st.integers(0, 3000), max_size=120))
def test_the_newest_history_within_the_budget_is_kept_and_the_rest_counted(
    sizes: list[int],
) -> None:
    whole = entries(*sizes)
    kept, older = trimmed(whole, max_count=40, max_chars=12_000)
    assert list(kept) == whole[older:]
    assert len(kept) <= 40
    assert bool(kept) == bool(whole)
    assert len(kept) == 1 or sum(len(e.text) for e in kept) <= 12_000


def test_the_beginning_of_the_history_stays_for_several_messages() -> None:
    starts = {trimmed(entries(*[10] * n), max_count=40)[1] for n in range(41, 51)}
    assert starts == {10}
