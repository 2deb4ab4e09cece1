from __future__ import annotations

from telemetry.seldom import Seldom


def test_the_first_is_told_at_once_and_the_rest_with_their_count() -> None:
    seldom = Seldom(every_s=3600)
    assert [seldom.count() for _ in range(3)] == [1, None, None]
    seldom._told_at = float("-inf")  # an hour later
    assert seldom.count() == 3
