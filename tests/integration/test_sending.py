"""What a turn committed leaves in order, within the rules, and once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from domain.ids import new_id
from integrations.whatsapp.errors import GraphError, UnknownOutcomeError
from tests.house import inbound, status, store
from tests.integration.turning import a_conversation, apply_all, run, until

pytestmark = pytest.mark.postgres


async def test_a_long_answer_in_two_bubbles_keeps_its_order(pool, world):
    conversation = await a_conversation(pool)
    world.agent.change = lambda turn: replace(turn, bubbles=("primeira", "segunda"))
    await run(world, conversation)
    assert world.graph.texts == ["primeira"]
    wamid = await pool.fetchval("SELECT wamid FROM messages WHERE body = 'primeira'")
    await store(pool, status(wamid, "sent"))
    await apply_all(pool)
    await world.sender().dispatch(conversation)
    assert world.graph.texts == ["primeira", "segunda"]


async def test_when_the_first_bubble_fails_the_rest_is_withdrawn_and_a_person_is_told(pool, world):
    conversation = await a_conversation(pool)
    world.agent.change = lambda turn: replace(turn, bubbles=("primeira", "segunda"))
    world.graph.fail_with = [GraphError(400, 131026, "undeliverable")]
    await run(world, conversation)
    states = await pool.fetch("SELECT state FROM outbox ORDER BY seq")
    assert [r["state"] for r in states] == ["failed", "withdrawn"]
    assert await pool.fetchval("SELECT reason FROM handoffs") == "falha de envio"


async def test_an_unknown_outcome_waits_for_its_status_and_is_not_sent_again(pool, world):
    conversation = await a_conversation(pool)
    world.graph.fail_with = [UnknownOutcomeError("no answer in time")]
    await run(world, conversation)
    await world.sender().dispatch(conversation)
    attempt = await pool.fetchval("SELECT id FROM send_attempts")
    assert await pool.fetchval("SELECT status FROM messages WHERE author = 'agent'") == "unknown"
    await store(pool, status("wamid.LATE", "delivered", attempt=attempt))
    await apply_all(pool)
    row = await pool.fetchrow("SELECT status, wamid FROM messages WHERE author = 'agent'")
    assert tuple(row) == ("delivered", "wamid.LATE")
    assert await pool.fetchval("SELECT state FROM outbox") == "accepted"
    assert world.graph.sent == []


async def test_a_status_that_beats_the_answer_of_the_post_moves_nothing_back(pool, world):
    conversation = await a_conversation(pool)
    arrived = asyncio.Event()
    world.graph.before_answer = lambda callback: arrived.set()
    await run(world, conversation)
    attempt = await pool.fetchval("SELECT id FROM send_attempts")
    for state in ("read", "sent", "delivered"):
        await store(pool, status(f"wamid.OUT{attempt}", state, attempt=attempt))
        await apply_all(pool)
    assert await pool.fetchval("SELECT status FROM messages WHERE author = 'agent'") == "read"


async def test_outside_the_window_nothing_but_a_template_leaves(pool, world):
    conversation = await a_conversation(pool)
    await pool.execute("UPDATE service_windows SET open_until = now()")
    await run(world, conversation)
    assert world.graph.sent == []
    assert await pool.fetchval("SELECT reason FROM outbox") == "window_closed"


async def test_the_twenty_first_message_of_an_hour_is_stopped(pool, world):
    conversation = await a_conversation(pool)
    for n in range(22):
        await store(pool, inbound(f"pergunta {n}"))
        await run(world, conversation)
    assert len(world.graph.sent) == len(world.agent.asked) == 20
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 1


async def test_while_the_ai_is_paused_a_committed_answer_waits_and_leaves_after(pool, world):
    conversation = await a_conversation(pool)
    world.agent.gate.clear()
    task = asyncio.create_task(run(world, conversation))
    await until(lambda: len(world.agent.asked) == 1)
    await pool.execute("INSERT INTO switches (name, set_by) VALUES ('ai_paused', 'test')")
    world.agent.gate.set()
    await task
    assert world.graph.sent == []
    await pool.execute("DELETE FROM switches")
    await world.sender().dispatch(conversation)
    assert len(world.graph.sent) == 1


async def test_no_business_initiated_row_exists_without_an_allowing_decision(pool):
    await a_conversation(pool)
    row = await pool.fetchrow("SELECT id, contact_id FROM conversations")
    message, decision = new_id(), new_id()
    await pool.execute(
        "INSERT INTO messages (id, conversation_id, direction, author, content, status)"
        " VALUES ($1, $2, 'outbound', 'agent', '{}', 'queued')", message, row["id"],
    )  # fmt: skip
    insert = (
        "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
        " business_initiated, decision_id, decision_allowed) VALUES"
        " (gen_random_uuid(), $1, $2, $3, 'agent', 1, '{}', true, $4, $5)"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(insert, row["id"], row["contact_id"], message, None, None)
    await pool.execute(
        "INSERT INTO governor_decisions (id, contact_id, purpose, allowed, reasons,"
        " contactability_version, valid_until) VALUES ($1, $2, 'sales', false, '[]', 1, now())",
        decision, row["contact_id"],
    )  # fmt: skip
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await pool.execute(insert, row["id"], row["contact_id"], message, decision, True)
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute(insert, row["id"], row["contact_id"], message, decision, False)
