"""Under overload inbound goes first, then replies, then what the business begins; nothing grows for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis
from typing_extensions import override

from actors.conversation.residents import Residents
from actors.conversation.turn_gate import TurnGate
from api.intake_group import QUEUE_BYTES_MAX, IntakeFullError, IntakeGroup
from api.webhook import WebhookParts, create_webhook
from domain.clock import SystemClock
from domain.doorbell import Ring, RingReason
from domain.ids import AttemptId, ConversationId, new_id
from domain.outbox import ClaimVerdict
from integrations.whatsapp.webhook import BODY_MAX
from storage.feed import Feed
from storage.live import Live
from storage.outbox import Outbox
from storage.pace import Pace, Senders
from storage.receipts import Receipt, Received
from tests.fakes.world import ListTracer, World
from tests.house import SECOND, a_house, inbound, intake_of, status, store, webhook
from tests.integration.test_outbox_keeping import keeper
from tests.integration.test_webhook_door import Heard, Secrets, post
from tests.integration.turning import QUICK, run, until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=6)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    redis = Redis.from_url(redis_url)
    yield redis
    await redis.aclose()


async def conversations(pool: asyncpg.Pool, count: int) -> list[ConversationId]:
    for n in range(count):
        await store(pool, inbound(f"pergunta {n}", wa_id=f"55319888{n:05d}"))
    await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
    rows = await pool.fetch("SELECT id FROM conversations ORDER BY created_at, id")
    return [ConversationId(row["id"]) for row in rows]


def message(conversation: ConversationId) -> Ring:
    return Ring(conversation_id=conversation, reason=RingReason.MESSAGE)


# ---- inbound first: the door


def a_door(pool: asyncpg.Pool, heard: Heard) -> httpx.AsyncClient:
    app = create_webhook(
        WebhookParts(
            store=intake_of(pool), secrets=Secrets(), doorbell=heard, statuses=heard,
            number_pool=heard, tracer=ListTracer(), clock=SystemClock(),
        )
    )  # fmt: skip
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")


async def test_while_every_place_for_a_turn_is_taken_webhooks_are_answered_200_within_a_second(
    pool, world
):
    world.turns = TurnGate(2)
    world.agent.gate.clear()
    residents = Residents(world.ports(), idle_after=timedelta(0))
    for conversation in await conversations(pool, 20):
        residents.ring(message(conversation))
    await until(lambda: len(world.agent.asked) == 2)
    async with a_door(pool, Heard()) as door:
        took = []
        for n in range(30):
            started = time.perf_counter()
            body = webhook(inbound(f"mais {n}", wa_id=f"55319777{n:05d}"))
            assert await post(door, body) == 200
            took.append(time.perf_counter() - started)
    assert sorted(took)[len(took) // 2] < 0.25
    assert max(took) < 1
    assert len(world.agent.asked) == 2
    world.agent.gate.set()
    await until(lambda: len(residents) == 0, within=30)
    assert len(world.graph.sent) == 20


class StandsStill:
    async def store(self, requests) -> Receipt:
        await asyncio.Event().wait()
        raise AssertionError


async def test_waiting_requests_are_refused_by_their_bytes_and_not_only_by_their_number():
    async def ignore(receipt: Receipt, ms: float) -> None: ...

    group = IntakeGroup(StandsStill(), ignore)
    large = Received(body=b"x" * BODY_MAX, items=(), at=SystemClock().now())
    fit = QUEUE_BYTES_MAX // BODY_MAX
    tasks = [asyncio.create_task(group.submit(large)) for _ in range(fit + 65)]
    await asyncio.sleep(0)
    await until(lambda: any(t.done() for t in tasks))
    refused = [t for t in tasks if t.done()]
    assert all(isinstance(t.exception(), IntakeFullError) for t in refused)
    assert len(tasks) - len(refused) <= fit + 64  # one group is being stored
    for task in tasks:
        task.cancel()


async def test_statuses_are_applied_one_group_at_a_time_so_that_the_intake_finds_a_connection(pool):
    class SlowStatuses(Heard):
        def __init__(self) -> None:
            super().__init__()
            self.at_once = self.most = self.calls = 0
            self.go = asyncio.Event()

        @override
        async def apply(self, seqs) -> None:
            self.calls += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await self.go.wait()
            self.at_once -= 1
            self.statuses += seqs

    heard = SlowStatuses()
    async with a_door(pool, heard) as door:
        for n in range(20):
            assert await post(door, webhook(status(f"wamid.{n}", "sent"))) == 200
        heard.go.set()
        await until(lambda: len(heard.statuses) == 20)
    assert heard.most == 1
    assert heard.calls <= 3, "what waits is applied together"


async def test_the_statuses_of_one_answer_which_come_one_by_one_are_applied_together(pool):
    class Counting(Heard):
        calls = 0

        @override
        async def apply(self, seqs) -> None:
            self.calls += 1
            self.statuses += seqs

    heard = Counting()
    async with a_door(pool, heard) as door:
        for kind in ("sent", "delivered", "read"):
            assert await post(door, webhook(status("wamid.ONE", kind))) == 200
        await until(lambda: len(heard.statuses) == 3)
    assert heard.calls < 3


# ---- turns


async def test_turns_beyond_the_places_wait_in_the_order_they_came(pool, world):
    world.turns = TurnGate(1)
    ids = await conversations(pool, 5)
    residents = Residents(world.ports(), idle_after=timedelta(0))
    world.agent.gate.clear()
    for conversation in ids:
        residents.ring(message(conversation))
        await until(lambda: set(states(residents)) <= {"waiting", "turn"})
    assert len(world.agent.asked) == 1
    assert states(residents).count("waiting") == 4
    world.agent.gate.set()
    await until(lambda: len(residents) == 0)
    assert world.agent.asked == [[f"pergunta {n}"] for n in range(5)]


def states(residents: Residents) -> list[str]:
    return [str(one["state"]) for one in residents.describe()]


async def test_what_waited_for_a_place_answers_what_was_written_meanwhile(pool, world):
    world.turns = TurnGate(1)
    first, second = await conversations(pool, 2)
    residents = Residents(world.ports(), idle_after=timedelta(0))
    world.agent.gate.clear()
    residents.ring(message(first))
    await until(lambda: len(world.agent.asked) == 1)
    residents.ring(message(second))
    await until(lambda: "waiting" in states(residents))
    await store(pool, inbound("e mais isto", wa_id="5531988800001"))
    world.agent.gate.set()
    await until(lambda: len(residents) == 0)
    assert world.agent.asked[1:] == [["pergunta 1", "e mais isto"]]
    assert world.agent.cancelled == 0


async def put_away(residents: Residents) -> None:
    """Ends the activations that are left, as the end of their process would."""
    for task in asyncio.all_tasks():
        if task.get_name().removeprefix("conversation/") in {str(one) for one in residents}:
            task.cancel()
    await until(lambda: len(residents) == 0)


async def test_a_full_host_puts_an_idle_conversation_away_for_a_new_one(pool, world):
    ids = await conversations(pool, 4)
    residents = Residents(world.ports(), idle_after=timedelta(minutes=5), most=2)
    for conversation in ids:
        residents.ring(message(conversation))
        await until(lambda: set(states(residents)) == {"idle"})
        assert len(residents) <= 2
    assert len(world.graph.sent) == 4
    assert ids[3] in residents
    await put_away(residents)


async def test_a_full_host_of_busy_conversations_leaves_a_ring_to_the_sweep(pool, world):
    ids = await conversations(pool, 2)
    world.agent.gate.clear()
    residents = Residents(world.ports(), idle_after=timedelta(0), most=1)
    residents.ring(message(ids[0]))
    await until(lambda: len(world.agent.asked) == 1)
    residents.ring(message(ids[1]))
    assert len(residents) == 1
    world.agent.gate.set()
    await until(lambda: len(residents) == 0)
    residents.ring(message(ids[1]))  # as the sweep does
    await until(lambda: len(residents) == 0)
    assert len(world.graph.sent) == 2


# ---- replies, then what the business begins


async def waiting_rows(pool: asyncpg.Pool, world: World, count: int) -> list[ConversationId]:
    """`count` conversations, each with one queued reply that is due."""
    ids = await conversations(pool, count)
    await pool.execute("UPDATE physical_numbers SET health = 'paused'")
    for conversation in ids:
        await run(world, conversation)
    await pool.execute("UPDATE physical_numbers SET health = 'healthy'")
    await pool.execute("UPDATE outbox SET created_at = now() - interval '1 minute'")
    return ids


async def begun_by_the_business(pool: asyncpg.Pool, ids: list[ConversationId]) -> None:
    await pool.execute(
        "WITH decided AS (INSERT INTO governor_decisions (id, contact_id, purpose, allowed, reasons,"
        " contactability_version, valid_until) SELECT gen_random_uuid(), c.contact_id, 'sales', true,"
        " '[]', p.contactability_version, now() + interval '1 day' FROM conversations c"
        " JOIN contacts p ON p.id = c.contact_id WHERE c.id = ANY ($1) RETURNING id, contact_id)"
        " UPDATE outbox o SET business_initiated = true, decision_id = d.id, decision_allowed = true,"
        " not_before = now() - interval '1 hour' FROM decided d WHERE o.contact_id = d.contact_id",
        ids,
    )


async def test_replies_leave_before_what_the_business_begins_however_long_that_waits(pool, world):
    ids = await waiting_rows(pool, world, 12)
    await begun_by_the_business(pool, ids[:3])
    await keeper(world).send_due()
    assert len(world.graph.sent) == 9
    await keeper(world).send_due()
    assert len(world.graph.sent) == 12
    firsts = {text for _, text, _ in world.graph.sent[:9]}
    assert firsts == {f"resposta a: pergunta {n}" for n in range(3, 12)}


async def test_what_the_business_begins_is_claimed_only_where_it_gave_way(pool, world):
    (conversation,) = await waiting_rows(pool, world, 1)
    await begun_by_the_business(pool, [conversation])
    outbox = Outbox(pool)
    asked = await outbox.claim_next(conversation, AttemptId(new_id()), lane=None, sender="test")
    assert asked.row is not None
    assert asked.row.lane.business_initiated
    as_a_reply = replace(asked.row.lane, business_initiated=False)
    for lane, verdict in (
        (as_a_reply, ClaimVerdict.OTHER_LANE),
        (asked.row.lane, ClaimVerdict.CLAIMED),
    ):
        claim = await outbox.claim_next(conversation, AttemptId(new_id()), lane=lane, sender="test")
        assert claim.verdict is verdict


async def test_rows_of_a_blocked_number_do_not_keep_others_from_their_turn(pool, world):
    ids = await waiting_rows(pool, world, 6)
    await pool.execute(
        "UPDATE conversations SET sticky_number = $1 WHERE id = ANY ($2)", SECOND, ids[:5]
    )
    await pool.execute(
        "UPDATE physical_numbers SET health = 'paused' WHERE phone_number_id = $1", SECOND
    )
    await pool.execute("UPDATE outbox SET not_before = now() - interval '1 hour' WHERE seq <= 5")
    due = await Outbox(pool).list_due(
        older_than=timedelta(seconds=2), limit=2, business_initiated=False
    )
    assert due == [ids[5]]


async def test_the_oldest_due_rows_come_first_when_there_are_more_than_a_round_takes(pool, world):
    ids = await waiting_rows(pool, world, 5)
    for age, conversation in enumerate(reversed(ids)):
        await pool.execute(
            "UPDATE outbox SET not_before = now() - $2::interval WHERE conversation_id = $1",
            conversation,
            timedelta(minutes=age),
        )
    due = await Outbox(pool).list_due(
        older_than=timedelta(seconds=2), limit=2, business_initiated=False
    )
    assert due == ids[:2]


async def wait_for(pace: Pace, contact: object, *, begun: bool) -> timedelta:
    return await pace.wait_for(
        phone_number_id="1", contact=str(contact), messages_per_second=20, business_initiated=begun
    )


async def test_what_the_business_begins_leaves_half_of_the_number_to_replies(redis):
    pace = Pace(redis, senders=Senders(live=1))
    begun = [await wait_for(pace, n, begun=True) for n in range(10)]
    assert [not wait for wait in begun].count(True) == 7, "half of the burst of fourteen"
    replies = [await wait_for(pace, f"r{n}", begun=False) for n in range(6)]
    assert not any(replies)
    assert await wait_for(pace, "late", begun=True) > timedelta(milliseconds=300)


async def test_without_redis_replies_go_on_slowly_and_the_business_begins_nothing():
    gone = Redis(host="127.0.0.1", port=1, socket_timeout=0.2, socket_connect_timeout=0.2)
    pace = Pace(gone, senders=Senders(live=2))
    assert await wait_for(pace, "a", begun=False) == timedelta(0)
    slowed = await wait_for(pace, "b", begun=False)
    assert timedelta(0) < slowed <= timedelta(milliseconds=200), (
        "2 senders at 20 a second: one in 0.2 s"
    )
    assert await wait_for(pace, "c", begun=True) > timedelta(seconds=1)
    await gone.aclose()


# ---- the picture


async def test_a_picture_that_had_to_drop_events_tells_every_screen_to_look_again(redis):
    feed = Feed(redis)
    live = Live(feed, SystemClock())
    await feed.publish("system", {"n": 0})
    before = await feed.place()
    assert before is not None
    for n in range(2100):
        live.emit("system", {"n": n})
    await until(lambda: live.is_quiet)
    after = await feed.place()
    assert after is not None
    assert after.feed != before.feed
    assert await feed.list_after(before) is None
