"""The run-time checks: quiet about a house at work, loud about each broken sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Final

import asyncpg
import pytest
from structlog.testing import capture_logs

from actors.clock.watch import Watch
from cli.doctor import explain
from domain.ids import new_id
from storage.audit import AuditLine, append
from storage.counters import CounterTotals
from storage.door import remember_refusals
from storage.human_actions import HumanActions
from storage.invariants import QUERIES, Invariants
from telemetry.invariants import INVARIANTS, Finding, InvariantName
from telemetry.totals import Sample
from tests.factories import NOW
from tests.fakes.world import World
from tests.house import a_house, inbound, status, store
from tests.integration.turning import QUICK, a_conversation, an_operator, apply_all, run

pytestmark = pytest.mark.postgres

N = InvariantName

BEAT = (
    "INSERT INTO actor_beats (name, kind, actor_id, node, pid, memory_bytes, started_at, residents)"
    " VALUES ($1, $2, '', '', 1, 1, now() - interval '1 hour', $3)"
)
ALIVE = [
    ("conversations/0", "shared"),
    ("number_pool", "number_pool"),
    ("sender", "sender"),
    ("clock", "clock"),
    ("webhook/a", "webhook"),
    ("api/a", "api"),
]

#: What breaks each sentence in a house where one question was answered and delivered.
BREAK: Final = {
    N.INBOUND_OVERDUE: "UPDATE inbound_events SET worked_at = NULL, received_at = now() - interval '6 minutes'",
    N.UNRESOLVED_OVERDUE: "UPDATE inbound_events SET worked_at = NULL, conversation_id = NULL,"
    " received_at = now() - interval '11 minutes'",
    N.ANSWERED_TWICE: "INSERT INTO turns (id, conversation_id, epoch, version, state, inputs, started_at)"
    " SELECT gen_random_uuid(), conversation_id, epoch, 9, state, inputs, started_at FROM turns",
    N.SENT_TWICE: "INSERT INTO send_attempts (id, outbox_id, n, phone_number_id, sender, outcome, wamid)"
    " SELECT gen_random_uuid(), outbox_id, 2, phone_number_id, 'x', 'accepted', 'wamid.AGAIN'"
    " FROM send_attempts",
    N.CROSSED: "WITH other AS (INSERT INTO contacts (id, account_id) SELECT gen_random_uuid(), id"
    " FROM accounts RETURNING id) UPDATE outbox SET contact_id = other.id FROM other",
    N.SENT_WHILE_PAUSED: "INSERT INTO switches (name, set_by, on_since)"
    " VALUES ('ai_paused', 'test', now() - interval '1 minute')",
    N.OVER_CAP: "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
    " state, claimed_at) SELECT gen_random_uuid(), conversation_id, contact_id, message_id, 'agent', 1,"
    " '{}', 'accepted', now() FROM outbox, generate_series(1, 20) WHERE author = 'agent'",
    N.UNGOVERNED: "WITH decided AS (INSERT INTO governor_decisions (id, contact_id, purpose, allowed,"
    " reasons, contactability_version, valid_until) SELECT gen_random_uuid(), contact_id, 'sales', true,"
    " '[]', 1, now() - interval '1 hour' FROM outbox RETURNING id) UPDATE outbox"
    " SET business_initiated = true, decision_id = decided.id, decision_allowed = true FROM decided",
    N.CLAIM_OVERDUE: "UPDATE outbox SET state = 'claimed', claimed_at = now() - interval '2 minutes'",
    N.QUEUED_OVERDUE: "UPDATE outbox SET state = 'queued', not_before = now() - interval '6 minutes',"
    " created_at = now() - interval '6 minutes'",
    N.UNKNOWN_OVERDUE: "UPDATE outbox SET state = 'unknown', not_before = now() - interval '3 minutes'",
    N.STATUS_BACKWARDS: "UPDATE messages SET status = 'accepted' WHERE author = 'agent'",
    N.OPERATOR_UNASSIGNED: "WITH c AS (UPDATE conversations SET mode = 'operator') UPDATE inbound_events"
    " SET worked_at = NULL, received_at = now() - interval '5 hours'",
    N.TIMER_OVERDUE: "INSERT INTO timers (id, conversation_id, kind, key, due_at)"
    " SELECT gen_random_uuid(), id, 'nudge', 'n', now() - interval '2 minutes' FROM conversations",
    N.ACTOR_SILENT: "UPDATE actor_beats SET beat_at = now() - interval '1 minute' WHERE kind = 'shared'",
    N.OWNED_TWICE: "UPDATE actor_beats SET residents ="
    " '[{\"id\": \"0198d6a2-7c1e-7d7b-9d0e-3a0d5c1f2b11\", \"state\": \"turn\"}]'"
    " WHERE kind IN ('shared', 'sender')",
    N.UNPARSED: "INSERT INTO inbound_events (id, dedupe_key, kind, payload, sent_at, worked_at)"
    " VALUES (gen_random_uuid(), 'odd', 'unparsed', '{}', now(), now())",
    N.SIGNATURE_REFUSED: "INSERT INTO door_refusals (minute, total)"
    " VALUES (now() - interval '9 minutes', 40), (now() - interval '8 minutes', 45)",
    N.SILENCE: "WITH gone AS (UPDATE inbound_events SET received_at = now() - interval '4 hours')"
    " INSERT INTO inbound_events (id, dedupe_key, kind, payload, sent_at, worked_at, received_at)"
    " SELECT gen_random_uuid(), w || '/' || n, 'message', '{}', now(), now(),"
    " now() - w * interval '7 days' - interval '1 hour'"
    " FROM generate_series(1, 4) w, generate_series(1, 10) n",
    N.AUDIT_BROKEN: "UPDATE audit SET actor = 'nobody' WHERE seq = 2",
}  # fmt: skip


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=6)
    await pool.execute("INSERT INTO shard_buckets (bucket, shard) VALUES (0, 0)")
    for name, kind in ALIVE:
        await pool.execute(BEAT, name, kind, [])
    yield pool
    await pool.close()


@pytest.fixture
async def world(pool: asyncpg.Pool) -> World:
    """A house at work: a question answered and delivered, three lines in the audit log."""
    world = World(pool, rules={"quiet": QUICK})
    conversation = await a_conversation(pool, "Quanto custa?")
    await run(world, conversation)
    wamid = await pool.fetchval("SELECT wamid FROM messages WHERE author = 'agent'")
    await store(pool, status(wamid, "delivered"))
    await apply_all(pool)
    async with pool.acquire() as db, db.transaction():
        lines = [AuditLine(at=NOW, actor="test", action="x", target=f"x/{n}") for n in range(3)]
        await append(db, lines)
    return world


async def violated(pool: asyncpg.Pool) -> set[InvariantName]:
    found = [await Invariants(pool).look(name) for name in INVARIANTS]
    assert [one for one in found if one.unchecked] == []
    return {one.name for one in found if one.violations}


def test_every_sentence_has_its_query_and_what_would_break_it():
    special = {N.AUDIT_BROKEN}
    assert set(INVARIANTS) == set(N) == set(QUERIES) | special
    apart = {N.SENT_AFTER_TAKEOVER, N.HANDOFF_DOUBLED}  # each has a test of its own
    assert set(BREAK) == set(N) - apart


async def test_a_house_at_work_breaks_no_sentence(pool, world):
    assert await violated(pool) == set()


@pytest.mark.parametrize("name", BREAK)
async def test_a_broken_sentence_is_found(pool, world, name):
    await pool.execute(BREAK[name])
    assert name in await violated(pool)
    finding = await Invariants(pool).look(name)
    assert 0 < len(finding.ids) <= 20


async def test_doubled_handoffs_are_found_should_their_index_ever_be_gone(pool, world):
    await pool.execute("DROP INDEX handoffs_one_open")
    await pool.execute(
        "INSERT INTO handoffs (id, conversation_id, reason, raised_by)"
        " SELECT gen_random_uuid(), id, 'x', 'x' FROM conversations, generate_series(1, 2)"
    )
    assert await violated(pool) == {N.HANDOFF_DOUBLED}


async def test_an_ai_message_claimed_after_a_takeover_is_found_and_one_before_it_is_not(
    pool, world
):
    conversation = await pool.fetchval("SELECT id FROM conversations")
    await HumanActions(pool).takeover(conversation, await an_operator(pool))
    await pool.execute("UPDATE audit SET at = now() WHERE action = 'conversation.takeover'")
    assert N.SENT_AFTER_TAKEOVER not in await violated(pool)
    await pool.execute("UPDATE outbox SET claimed_at = now() + interval '10 seconds'")
    assert N.SENT_AFTER_TAKEOVER in await violated(pool)


async def test_what_waits_for_a_reason_is_no_finding(pool, world):
    overdue = "UPDATE outbox SET state = 'queued', not_before = now() - interval '1 hour', created_at = now() - interval '1 hour'"
    await pool.execute(overdue)
    await pool.execute("UPDATE physical_numbers SET health = 'paused'")
    assert await violated(pool) == set()
    await pool.execute("UPDATE physical_numbers SET health = 'healthy'")
    await pool.execute("INSERT INTO switches (name, set_by) VALUES ('ai_paused', 'test')")
    await store(pool, inbound("E aí?"))
    await pool.execute("UPDATE inbound_events SET received_at = now() - interval '1 hour'")
    assert await violated(pool) == set()
    await pool.execute("DELETE FROM switches")
    async with pool.acquire() as db, db.transaction():
        at = await db.fetchval("SELECT now()")
        await append(
            db, [AuditLine(at=at, actor="x", action="system.resume", target="switch/ai_paused")]
        )
    assert await violated(pool) == set(), "just resumed: it takes its time"


async def test_a_row_of_a_person_waiting_without_a_reason_is_found_while_the_ai_is_paused(
    pool, world
):
    await pool.execute(
        "UPDATE outbox SET author = 'operator', state = 'queued', claimed_at = NULL,"
        " not_before = now() - interval '1 hour', created_at = now() - interval '1 hour'"
    )
    await pool.execute("INSERT INTO switches (name, set_by) VALUES ('ai_paused', 'test')")
    assert await violated(pool) == {N.QUEUED_OVERDUE}


async def test_a_lookup_that_takes_too_long_says_so_and_keeps_the_last_figures(pool, world):
    await pool.execute(BREAK[N.TIMER_OVERDUE])
    invariants = Invariants(pool)
    await invariants.save(await invariants.look(N.TIMER_OVERDUE))
    async with pool.acquire() as db, db.transaction():
        await db.execute("LOCK TABLE timers IN ACCESS EXCLUSIVE MODE")
        finding = await invariants.look(N.TIMER_OVERDUE)
    assert finding == Finding(name=N.TIMER_OVERDUE, unchecked="a consulta passou de 2 s")
    await invariants.save(finding)
    (kept,) = await invariants.list_findings()
    assert (kept.violations, kept.unchecked, kept.since is None) == (1, finding.unchecked, False)


async def test_the_clock_keeps_what_it_found_and_logs_ids_only(pool, world):
    await pool.execute(BREAK[N.TIMER_OVERDUE])
    with capture_logs() as logs:
        assert await Watch(Invariants(pool)).look() == 1
    (told,) = [line for line in logs if line["event"] == "invariant.violated"]
    timer = str(await pool.fetchval("SELECT id FROM timers"))
    assert (told["invariant"], told["violations"], told["ids"]) == (N.TIMER_OVERDUE, 1, [timer])
    first = {f.name: f for f in await Invariants(pool).list_findings()}
    assert len(first) == len(N)
    await Watch(Invariants(pool)).look()
    again = {f.name: f for f in await Invariants(pool).list_findings()}
    assert again[N.TIMER_OVERDUE].since == first[N.TIMER_OVERDUE].since is not None
    await pool.execute("DELETE FROM timers")
    await Watch(Invariants(pool)).look()
    mended = {f.name: f for f in await Invariants(pool).list_findings()}
    assert mended[N.TIMER_OVERDUE].since is None


async def test_the_doctor_explains_a_finding_and_says_what_to_do(pool, world):
    await pool.execute(BREAK[N.SENT_TWICE])
    judged = [await Invariants(pool).look(name, audit_lines=None) for name in INVARIANTS]
    holding, broken = explain(judged)
    assert (holding.ok, holding.detail) == (True, f"{len(N) - 1} valem")
    assert not broken.ok
    invariant = INVARIANTS[N.SENT_TWICE]
    row = str(await pool.fetchval("SELECT id FROM outbox"))
    for part in (invariant.holds, invariant.remedy, row):
        assert part in broken.detail


async def test_refusals_at_the_door_are_found_while_they_come_and_not_long_after(pool):
    refused = Sample(name="vitrine_webhook_requests_total", labels='{"status": "401"}')
    taken = Sample(name="vitrine_webhook_requests_total", labels='{"status": "200"}')
    look = partial(Invariants(pool).look, N.SIGNATURE_REFUSED)
    age = "UPDATE door_refusals SET minute = minute - $1::interval"
    await CounterTotals(pool).add({refused: 40.0, taken: 100.0})
    await remember_refusals(pool)
    assert (await look()).violations == 0, "what came before the first look has no time"
    await pool.execute(age, timedelta(minutes=5))
    await CounterTotals(pool).add({refused: 4.0, taken: 9.0})
    await remember_refusals(pool)
    assert (await look()).violations == 0, "fewer than five"
    await CounterTotals(pool).add({refused: 1.0})
    await remember_refusals(pool)
    assert sum(int(one.split(" × ")[1]) for one in (await look()).ids) == 5
    await pool.execute(age, timedelta(minutes=20))
    assert (await look()).violations == 0
    await pool.execute(age, timedelta(hours=1))
    await remember_refusals(pool)
    assert await pool.fetchval("SELECT count(*) FROM door_refusals") == 1


async def test_a_broken_line_beyond_the_last_thousand_is_found_by_the_whole_chain_only(pool):
    async with pool.acquire() as db, db.transaction():
        lines = [AuditLine(at=NOW, actor="x", action="x", target=str(new_id())) for _ in range(30)]
        await append(db, lines)
    invariants = Invariants(pool)
    assert (await invariants.look(N.AUDIT_BROKEN, audit_lines=10)).violations == 0
    await pool.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 5")
    assert (await invariants.look(N.AUDIT_BROKEN, audit_lines=10)).violations == 0
    assert (await invariants.look(N.AUDIT_BROKEN, audit_lines=None)).ids == ("altered 5",)
    await pool.execute("DELETE FROM audit WHERE seq = 28")
    assert (await invariants.look(N.AUDIT_BROKEN, audit_lines=10)).ids == ("missing 28",)
