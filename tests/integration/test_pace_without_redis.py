"""Redis lost: all senders together stay within half of a number's limit, however many there are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from storage.actor_rows import ActorRows, Beat
from storage.pace import Pace, Senders
from tests.house import a_house

pytestmark = pytest.mark.postgres


def beat(name: str, kind: str) -> Beat:
    return Beat(
        name=name, kind=kind, actor_id="", node="", pid=1, memory_bytes=0,
        started_at=datetime.now(UTC),
    )  # fmt: skip


async def test_a_beat_counts_every_actor_that_sends_and_no_other(database):
    pool = await a_house(database)
    rows = ActorRows(pool)
    kinds = ["sender", "shared", "shared", "own", "webhook", "clock"]
    counted = [await rows.beat(beat(f"{kind}/{n}", kind)) for n, kind in enumerate(kinds)]
    assert counted == [1, 2, 3, 4, 4, 4]
    assert await rows.beat(beat("shared/1", "shared")) == 4
    await pool.execute(
        "UPDATE actor_beats SET beat_at = now() - interval '1 minute' WHERE kind = 'own'"
    )
    assert await rows.beat(beat("sender/0", "sender")) == 3
    await pool.close()


async def test_a_sender_slows_down_as_others_come_to_life():
    gone = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    waits = {}
    for alive in (2, 8):
        pace = Pace(gone, senders=Senders(alive))
        for _ in range(2):
            waits[alive] = await pace.wait_for(
                phone_number_id="1", contact="a", messages_per_second=80
            )
    assert waits[8].total_seconds() == pytest.approx(2 * 8 / 80, abs=0.03)
    assert waits[2].total_seconds() == pytest.approx(2 * 2 / 80, abs=0.03)
    await gone.aclose()
