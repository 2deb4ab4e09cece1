"""Time and lost doorbells: timers fire once, what nobody works is rung again, strangers are adopted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from actors.clock.core import ClockCore, Waiting
from config.settings import SettingsError, read_settings
from domain.doorbell import Ring
from domain.ids import new_id
from domain.scale import Part
from storage.actor_rows import ActorRows, Beat
from storage.adoption import Adoption
from storage.connections import check_connections
from storage.conversations import ConversationStore
from storage.idempotency import IdempotencyKeys
from storage.numbers import NumberStore
from storage.pool import open_pool
from storage.timers import TimerStore
from tests.house import a_house, inbound, store

pytestmark = pytest.mark.postgres


class Bell:
    def __init__(self) -> None:
        self.rung: list[object] = []

    async def ring(self, rings: Sequence[Ring]) -> None:
        self.rung += [r.conversation_id for r in rings]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database)
    yield pool
    await pool.close()


def clock(pool: asyncpg.Pool, bell: Bell, *, waiting: Waiting | None = None) -> ClockCore:
    return ClockCore(
        timers=TimerStore(pool),
        unworked=ConversationStore(pool),
        waiting=waiting or Adoption(pool, NumberStore(pool)),
        house=ActorRows(pool),
        idempotency=IdempotencyKeys(pool),
        doorbell=bell,
    )


async def age(pool: asyncpg.Pool) -> None:
    await pool.execute("UPDATE inbound_events SET received_at = now() - interval '1 minute'")


async def test_a_lost_doorbell_is_rung_again_and_a_young_one_is_left_to_its_owner(pool):
    await store(pool, inbound("Oi"))
    bell = Bell()
    await clock(pool, bell).sweep()
    assert bell.rung == []
    await age(pool)
    await clock(pool, bell).sweep()
    assert bell.rung == [await pool.fetchval("SELECT id FROM conversations")]


async def test_what_waits_on_purpose_is_not_rung(pool):
    await store(pool, inbound("Oi"))
    await age(pool)
    await pool.execute("UPDATE inbound_events SET left_at = now()")
    bell = Bell()
    await clock(pool, bell).sweep()
    assert bell.rung == []


async def test_while_the_ai_is_paused_nothing_is_rung_and_afterwards_everything(pool):
    await store(pool, inbound("Oi"))
    await age(pool)
    await pool.execute("INSERT INTO switches (name, set_by) VALUES ('ai_paused', 'test')")
    bell = Bell()
    await clock(pool, bell).sweep()
    assert bell.rung == []
    await pool.execute("DELETE FROM switches")
    await clock(pool, bell).sweep()
    assert len(bell.rung) == 1


async def test_two_clocks_fire_a_timer_once(pool):
    await store(pool, inbound("Oi"))
    conversation = await pool.fetchval("SELECT id FROM conversations")
    await pool.execute(
        "INSERT INTO timers (id, conversation_id, kind, key, due_at)"
        " VALUES ($1, $2, 'nudge', 'nudge:1', now()), ($3, $2, 'nudge', 'later', now() + '1 hour')",
        new_id(), conversation, new_id(),
    )  # fmt: skip
    bell = Bell()
    fired = [await clock(pool, bell).fire_timers() for _ in range(2)]
    assert fired == [1, 0]
    events = "SELECT count(*) FROM inbound_events WHERE kind = 'timer'"
    assert await pool.fetchval(events) == 1
    assert await pool.fetchval("SELECT count(*) FROM timers") == 1


async def test_a_message_to_a_number_added_later_finds_its_conversation(pool):
    await store(pool, inbound("Oi", number="777", wamid="wamid.EARLY"))
    await age(pool)
    bell = Bell()
    await clock(pool, bell).adopt()
    assert bell.rung == []
    await add_number(pool)
    await clock(pool, bell).adopt()
    assert len(bell.rung) == 1
    assert await pool.fetchval("SELECT body FROM messages") == "Oi"
    assert await pool.fetchval("SELECT count(*) FROM inbound_events") == 1
    raw = await pool.fetch(
        "SELECT b.body FROM inbound_events e JOIN webhook_bodies b ON b.id = e.body_id"
    )
    assert [b"wamid.EARLY" in row["body"] for row in raw] == [True]
    assert await pool.fetchval("SELECT count(*) FROM webhook_bodies") == 1


async def add_number(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO physical_numbers (phone_number_id, account_id, facade_id, display_phone)"
        " SELECT '777', account_id, facade_id, '' FROM physical_numbers LIMIT 1"
    )


async def test_an_event_that_cannot_be_adopted_holds_up_no_other_and_is_given_up(pool):
    for n in range(3):
        await store(
            pool, inbound("Oi", number="777", wamid=f"wamid.E{n}", wa_id=f"55319888{n:05d}")
        )
    await age(pool)
    await add_number(pool)
    await pool.execute(
        "UPDATE inbound_events SET payload = '{\"kind\": \"message\"}' WHERE wamid = 'wamid.E0'"
    )
    bell = Bell()
    assert await clock(pool, bell).adopt() == 2
    assert len(bell.rung) == 2
    row = await pool.fetchrow(
        "SELECT wamid, outcome FROM inbound_events WHERE worked_at IS NOT NULL"
    )
    assert tuple(row) == ("wamid.E0", "not_adopted")
    assert await clock(pool, bell).adopt() == 0


async def test_an_identity_notice_to_a_number_added_later_is_taken_in_too(pool):
    notice = inbound(
        number="777",
        type="system",
        system={"type": "user_changed_number", "wa_id": "553199996666", "body": "mudou"},
    )
    await store(pool, notice)
    await age(pool)
    await add_number(pool)
    await clock(pool, Bell()).adopt()
    row = await pool.fetchrow(
        "SELECT kind, outcome, conversation_id IS NULL AS lost FROM inbound_events"
    )
    assert tuple(row) == ("identity", "noted", False)


async def test_what_cannot_be_adopted_keeps_no_lost_doorbell_from_being_rung(pool):
    class Broken:
        async def adopt(self, *, limit: int = 100) -> list[Ring]:
            raise RuntimeError

    await store(pool, inbound("Oi"))
    await age(pool)
    bell = Bell()
    steps = clock(pool, bell, waiting=Broken())
    with pytest.raises(RuntimeError):
        await steps.adopt()
    await steps.sweep()
    assert len(bell.rung) == 1


async def test_own_actors_are_granted_up_to_the_maximum_and_not_beyond(pool):
    for n in range(3):
        await store(pool, inbound("Oi", wa_id=f"55319888{n:05d}"))
    ids = [r["id"] for r in await pool.fetch("SELECT id FROM conversations ORDER BY id")]
    rows = ActorRows(pool)
    assert [await rows.grant_own(i, 0, 2) for i in ids] == [True, True, False]
    await rows.release_own(ids[0])
    assert await rows.grant_own(ids[2], 0, 2)


async def test_grants_asked_for_at_once_by_several_shards_stay_within_the_maximum(pool):
    for n in range(3):
        await store(pool, inbound("Oi", wa_id=f"55319888{n:05d}"))
    ids = [r["id"] for r in await pool.fetch("SELECT id FROM conversations")]
    rows = ActorRows(pool)
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with pool.acquire() as another:
        async with another.transaction():  # a grant that takes its time: all others wait for it
            await another.execute("SELECT pg_advisory_xact_lock(7340033)")
            grants = [asyncio.create_task(rows.grant_own(one, 0, 1)) for one in ids]
            async with asyncio.timeout(10):
                while await another.fetchval(waiting) < len(ids):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        granted = await asyncio.gather(*grants)
    assert granted.count(True) == 1
    assert await pool.fetchval("SELECT count(*) FROM own_actors") == 1


async def test_tidying_drops_the_beats_of_actors_that_are_gone(pool):
    await pool.execute(
        "INSERT INTO actor_beats (name, kind, actor_id, node, pid, memory_bytes, started_at, beat_at)"
        " VALUES ('sender', 'sender', '', '', 1, 0, now(), now()),"
        " ('conversation/x', 'own', '', '', 1, 0, now(), now() - interval '1 hour')"
    )
    await clock(pool, Bell()).tidy()
    assert [r["name"] for r in await pool.fetch("SELECT name FROM actor_beats")] == ["sender"]


async def test_the_start_refuses_more_connections_than_the_server_has(pool):
    counts = {Part.SHARDS: 1, Part.WEBHOOK: 1, Part.API: 1}
    await check_connections(pool, read_settings(), counts)
    with pytest.raises(SettingsError, match="max_connections"):
        await check_connections(pool, read_settings(dedicated_actors_max=500), counts)
    with pytest.raises(SettingsError, match="vitrine scale shards"):
        await check_connections(pool, read_settings(), counts | {Part.SHARDS: 40})


def a_beat(name: str, started_at: datetime) -> Beat:
    return Beat(
        name=name,
        kind="webhook",
        actor_id="",
        node="",
        pid=1,
        memory_bytes=0,
        started_at=started_at,
    )


async def test_the_grace_counts_only_from_the_end_of_a_silence_of_the_intake(pool):
    rows, started_at = ActorRows(pool), datetime.now(UTC) - timedelta(hours=1)
    assert await rows.healthy_since() is None
    await rows.beat(a_beat("webhook/a", started_at))
    await rows.beat(a_beat("webhook/a", started_at))
    assert await rows.healthy_since() == started_at
    await pool.execute("UPDATE actor_beats SET beat_at = now() - interval '2 minutes'")
    assert await rows.healthy_since() is None
    for _ in range(2):  # the database or the process is back: what Meta held back is still to come
        await rows.beat(a_beat("webhook/a", started_at))
        back = await rows.healthy_since()
        assert back is not None
        assert datetime.now(UTC) - back < timedelta(seconds=30)
    await rows.beat(a_beat("webhook/b", started_at + timedelta(minutes=59)))
    assert await rows.healthy_since() == started_at + timedelta(minutes=59)


async def test_an_event_is_adopted_by_a_clock_with_one_connection_only(pool, database):
    await store(pool, inbound("Oi", number="777", wamid="wamid.EARLY"))
    await age(pool)
    await pool.execute(
        "INSERT INTO physical_numbers (phone_number_id, account_id, facade_id, display_phone)"
        " SELECT '777', account_id, facade_id, '' FROM physical_numbers LIMIT 1"
    )
    lone = await open_pool(database, size=1, name="lone clock")
    async with asyncio.timeout(10):
        assert len(await Adoption(lone, NumberStore(lone)).adopt()) == 1
    await lone.close()
