"""Ten thousand residents are judged by the turns beside them, their number and their weight."""

from __future__ import annotations

from typing import Any

import pytest

from bench.measures.residents import rows


def paced(p50: float, residents: int) -> dict[str, Any]:
    answers = {"p50": p50, "p95": 2 * p50}
    return {"answers": answers, "unanswered": 0, "residents": residents, "bytes": 100 * 2**20}


@pytest.mark.parametrize(
    ("p50", "still_there", "kib", "met"),
    [
        (39.0, 10_500, 64, [True, True, True]),
        (40.0, 10_500, 64, [False, True, True]),
        (39.0, 9_999, 64, [True, False, True]),
        (39.0, 10_500, 65, [True, True, False]),
    ],
)
def test_turns_number_and_weight_are_judged(p50, still_there, kib, met):
    few = paced(30.0, 500)
    brought = {"residents": 10_500, "bytes": few["bytes"] + kib * 1024 * 10_000, "took_s": 20.0}
    judged = rows(few, paced(p50, still_there), brought)
    assert [row.met for row in judged] == met
    assert judged[2].ours == kib
