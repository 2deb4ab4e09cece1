"""Consent is proved by what really left: a question or notice that did not is put again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from domain.consent import ConsentRule
from integrations.whatsapp.errors import GraphError, NotSentError
from storage.conversation_page import find_page
from storage.inbox_page import InboxPage
from tests.fakes.world import World
from tests.house import a_house, inbound, status, store
from tests.integration.turning import QUICK, a_conversation, apply_all, run

pytestmark = pytest.mark.postgres

NOTICE = "assistente virtual"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def noticing(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK, "consent": ConsentRule.NOTICE})


@pytest.fixture
def asking(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


def undeliverable() -> GraphError:
    return GraphError(400, 131026, "undeliverable")


async def notices(pool: asyncpg.Pool) -> int:
    count: int = await pool.fetchval(
        "SELECT count(*) FROM messages WHERE author = 'system' AND body LIKE '%' || $1 || '%'",
        NOTICE,
    )
    return count


async def test_a_notice_that_failed_is_put_again_before_the_next_answer(pool, noticing):
    conversation = await a_conversation(pool, consent="none")
    noticing.graph.fail_with = [undeliverable()]
    await run(noticing, conversation)
    assert noticing.graph.sent == []
    await store(pool, inbound("e aí?"))
    await run(noticing, conversation)
    assert NOTICE in noticing.graph.texts[0]
    await store(pool, inbound("e o prazo?"))
    await run(noticing, conversation)
    assert await notices(pool) == 2


async def test_a_notice_whose_failure_is_told_later_is_put_again(pool, noticing):
    conversation = await a_conversation(pool, consent="none")
    await run(noticing, conversation)
    wamid = await pool.fetchval("SELECT wamid FROM messages WHERE author = 'system'")
    await store(pool, status(wamid, "failed", code=131026))
    await apply_all(pool)
    await store(pool, inbound("e aí?"))
    await run(noticing, conversation)
    assert await notices(pool) == 2


async def test_while_a_notice_is_on_its_way_no_second_one_is_put(pool, noticing):
    conversation = await a_conversation(pool, consent="none")
    noticing.graph.fail_with = [NotSentError("not sent: ConnectError")]
    await run(noticing, conversation)
    await store(pool, inbound("e aí?"))
    await run(noticing, conversation)
    assert await notices(pool) == 1
    assert noticing.graph.sent == []


async def test_an_answer_queued_behind_a_notice_that_fails_does_not_leave_without_it(
    pool, noticing
):
    conversation = await a_conversation(pool, consent="none")
    noticing.graph.fail_with = [NotSentError("not sent: ConnectError"), undeliverable()]
    await run(noticing, conversation)
    await store(pool, inbound("e aí?"))
    await run(noticing, conversation)
    await pool.execute("UPDATE outbox SET not_before = now()")
    await noticing.sender().dispatch(conversation)
    assert noticing.graph.sent == []
    rows = await pool.fetch("SELECT state, reason FROM outbox WHERE author = 'agent' ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        ("withdrawn", "earlier_bubble_failed"),
        ("withdrawn", "not_noticed"),
    ]
    assert "send.not_noticed" in noticing.tracer.stages


async def test_a_question_that_failed_is_asked_again_by_the_next_message_and_not_in_a_loop(
    pool, asking
):
    conversation = await a_conversation(pool, consent="none")
    asking.graph.fail_with = [undeliverable()]
    await run(asking, conversation)
    questions = "SELECT count(*) FROM messages WHERE author = 'system'"
    assert await pool.fetchval(questions) == 1
    assert await pool.fetchval("SELECT reason FROM handoffs") == "falha de envio"
    await store(pool, inbound("ok"))
    await run(asking, conversation)
    assert await pool.fetchval("SELECT ai_consent FROM contacts") == "asked"
    assert asking.agent.asked == []
    await store(pool, inbound("ok"))
    await run(asking, conversation)
    assert asking.agent.asked == [["Quanto custa?", "ok"]]


async def test_who_was_only_told_is_asked_properly_when_the_house_begins_to_ask(
    pool, noticing, asking
):
    conversation = await a_conversation(pool, consent="none")
    await run(noticing, conversation)
    await store(pool, inbound("ok"))
    await run(asking, conversation)
    kinds = await pool.fetch("SELECT state FROM consents ORDER BY at")
    assert [row["state"] for row in kinds] == ["noticed", "asked"]
    assert await pool.fetchval("SELECT ai_consent FROM contacts") == "asked"
    assert asking.agent.asked == []


async def test_people_are_not_shown_a_notice_that_did_not_leave(pool, noticing):
    conversation = await a_conversation(pool, consent="none")
    noticing.graph.fail_with = [undeliverable()]
    await run(noticing, conversation)
    item = await InboxPage(pool, quiet=timedelta(0)).find_item(conversation)
    page = await find_page(pool, conversation)
    assert item is not None
    assert page is not None
    assert item["ai_consent"] == "none"
    assert page.head["consent_state"] is None
    assert page.consents == []
