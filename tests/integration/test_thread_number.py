"""One thread, one number: whatever leaves, leaves by the number the customer last wrote to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from config import limits
from domain.content import Text
from domain.errors import RejectedError
from domain.ids import ConversationId, new_id
from integrations.whatsapp.errors import NotSentError
from storage.human_actions import HumanActions
from storage.inbox_page import InboxPage
from storage.outbox import Outbox
from tests.fakes.world import World
from tests.house import FACADE, SECOND, a_house, inbound, store
from tests.integration.turning import QUICK, a_conversation, an_operator, run

pytestmark = pytest.mark.postgres


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


def numbers(world: World) -> list[str]:
    return [number for number, _, _ in world.graph.sent]


async def taken_over(pool: asyncpg.Pool, world: World) -> ConversationId:
    """The AI answered by the façade; then a person took the conversation over."""
    conversation = await a_conversation(pool)
    await run(world, conversation)
    await HumanActions(pool).takeover(conversation, await an_operator(pool))
    return conversation


async def test_a_persons_reply_leaves_by_the_number_the_customer_last_wrote_to(pool, world):
    conversation = await taken_over(pool, world)
    await store(pool, inbound("pelo segundo", number=SECOND))
    await HumanActions(pool).reply(conversation, await an_operator(pool), Text(body="oi da Bia"))
    await world.sender().dispatch(conversation)
    assert numbers(world) == [FACADE, SECOND]


async def test_a_persons_reply_is_judged_by_the_window_of_the_number_it_leaves_by(pool, world):
    conversation = await taken_over(pool, world)
    acts, by = HumanActions(pool), await an_operator(pool)
    await pool.execute("UPDATE service_windows SET open_until = now()")
    with pytest.raises(RejectedError, match="janela de 24 h"):
        await acts.reply(conversation, by, Text(body="oi da Bia"))
    await store(pool, inbound("pelo segundo", number=SECOND))
    await acts.reply(conversation, by, Text(body="oi da Bia"))


async def test_the_inbox_shows_the_window_of_the_number_a_reply_leaves_by(pool, world):
    conversation = await taken_over(pool, world)
    inbox = InboxPage(pool, quiet=timedelta(0))
    await pool.execute("UPDATE service_windows SET open_until = now()")
    closed = await inbox.find_item(conversation)
    await store(pool, inbound("pelo segundo", number=SECOND))
    opened = await inbox.find_item(conversation)
    assert closed is not None
    assert opened is not None
    assert closed["window_open_until"] is None
    assert opened["window_open_until"] is not None


async def test_the_ais_answer_and_the_consent_question_follow_the_customer_too(pool, world):
    conversation = await a_conversation(pool, consent="none")
    await run(world, conversation)
    await store(pool, inbound("alô?", number=SECOND))
    await run(world, conversation)
    await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
    await store(pool, inbound("oi", number=SECOND))
    await run(world, conversation)
    assert numbers(world) == [FACADE, SECOND, SECOND]


async def test_a_message_once_claimed_for_a_number_stays_with_it(pool, world):
    conversation = await a_conversation(pool)
    world.graph.fail_with = [NotSentError("not sent: ConnectError")]
    await run(world, conversation)
    await store(pool, inbound("pelo segundo", number=SECOND))
    await pool.execute("UPDATE outbox SET not_before = now()")
    await world.sender().dispatch(conversation)
    assert numbers(world) == [FACADE]


async def test_a_claim_for_the_number_of_before_is_refused_under_the_lock(pool, world):
    conversation = await taken_over(pool, world)
    await HumanActions(pool).reply(conversation, await an_operator(pool), Text(body="oi da Bia"))
    await store(pool, inbound("pelo segundo", number=SECOND))
    row = await pool.fetchval("SELECT id FROM outbox WHERE author = 'operator'")
    verdict = await pool.fetchval(
        "SELECT verdict FROM claim_send_v2($1, $2, $3, 'test', 20, 60, $4)",
        row, new_id(), FACADE, limits.SENT_WAIT,
    )  # fmt: skip
    assert verdict == "other_lane"


async def test_a_row_is_told_as_blocked_by_the_number_it_would_leave_by(pool, world):
    conversation = await taken_over(pool, world)
    await HumanActions(pool).reply(conversation, await an_operator(pool), Text(body="oi da Bia"))
    await pool.execute("UPDATE outbox SET created_at = now() - interval '2 minutes'")
    await pool.execute(
        "UPDATE physical_numbers SET state = 'quarantined' WHERE phone_number_id = $1", SECOND
    )
    assert await Outbox(pool).file_blocked() == []
    await store(pool, inbound("pelo segundo", number=SECOND))
    assert await Outbox(pool).file_blocked() == [conversation]
