"""The sandbox's invented past: who wrote what, and a journal that says it is invented."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from jobs.sandbox_past import SEEDED, seed_past
from sandbox.seed.company import build_company
from sandbox.seed.conversations import past_conversations
from storage.operators import Role, create_operator
from tests.house import a_house

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database)
    company = build_company(2026)
    for one in company.operators:
        await create_operator(
            pool,
            email=one["email"],
            name=one["name"],
            role=Role(one["role"]),
            password="long-enough-password",
            password_is_initial=True,
        )
    talks = past_conversations(2026, company.customers, company.products)
    async with pool.acquire() as db, db.transaction():
        await seed_past(db, company.customers, talks)
    yield pool
    await pool.close()


async def test_every_message_of_a_person_has_the_operator_the_talk_names(pool):
    authors = await pool.fetch(
        "SELECT m.body, o.email FROM messages m LEFT JOIN operators o ON o.id = m.operator_id"
        " WHERE m.author = 'operator'"
    )
    assert authors
    assert all(row["email"] for row in authors)
    reasons = {row["email"] for row in authors if "Posso saber o motivo?" in row["body"]}
    assert reasons == {"renato@mercante.example"}
    assert not await pool.fetchval(
        "SELECT count(*) FROM messages WHERE author <> 'operator' AND operator_id IS NOT NULL"
    )


async def test_every_answer_of_the_ai_has_a_turn_with_figures_that_says_it_is_invented(pool):
    answers = await pool.fetchval("SELECT count(*) FROM messages WHERE author = 'agent'")
    turns = await pool.fetch(
        "SELECT t.*, m.body, m.sent_at FROM turns t JOIN messages m ON m.turn_id = t.id"
    )
    assert len(turns) == answers > 50
    for turn in turns:
        assert turn["context"]["seeded"] == SEEDED
        assert turn["reply"]["metadata"]["seeded"]
        assert turn["actor"]["seeded"]
        assert turn["reply"]["message"] == turn["body"]
        assert turn["started_at"] < turn["finished_at"] == turn["sent_at"]
        assert turn["cost_micros"] == turn["model_calls"][0]["cost_micros"] > 0
        assert turn["latency"]["total"] > 0


async def test_a_seeded_conversation_carries_the_score_and_cost_of_its_turns(pool):
    rows = await pool.fetch(
        "SELECT c.score, c.cost_micros, sum(t.cost_micros) AS spent,"
        " (array_agg(t.reply ORDER BY t.started_at DESC))[1] AS last"
        " FROM conversations c JOIN turns t ON t.conversation_id = c.id GROUP BY c.id"
    )
    assert rows
    for row in rows:
        assert row["cost_micros"] == row["spent"]
        assert row["score"] == pytest.approx(row["last"]["qualification_score"], abs=1e-6)
    assert max(row["score"] for row in rows) > 0.8
