"""What crashes, silences and blocked numbers leave behind is settled, and told to a person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from typing_extensions import override

from actors.number_pool.core import NumberPoolCore
from actors.number_pool.messages import NumberSignal
from actors.sender.keeper import OutboxKeeper, StatusKeeper
from actors.sender.outcome import STOPPED_TRIES
from domain.clock import SystemClock
from domain.delivery import RANK
from domain.doorbell import Ring
from domain.ids import AttemptId, ConversationId, PhysicalNumberId, new_id
from domain.outbox import ClaimVerdict
from integrations.whatsapp.errors import UnknownOutcomeError
from integrations.whatsapp.failures import SendFailure
from storage.numbers import NumberStore
from storage.outbox import Outbox
from storage.statuses import StatusStore
from tests.fakes.world import FakePool, World
from tests.house import FACADE, a_house, inbound, somebody_waits, status, store
from tests.integration.turning import QUICK, a_conversation, run

pytestmark = pytest.mark.postgres


class Bell:
    def __init__(self) -> None:
        self.rings: list[Ring] = []

    async def ring(self, rings) -> None:
        self.rings += rings


class HandFeed:
    def emit(self, event: str, data: object) -> None: ...


class Health:
    def __init__(self, since: datetime | None) -> None:
        self.since = since

    async def healthy_since(self) -> datetime | None:
        return self.since


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=4)
    yield pool
    await pool.close()


@pytest.fixture
def world(pool: asyncpg.Pool) -> World:
    return World(pool, rules={"quiet": QUICK})


def status_keeper(world: World, bell: Bell | None = None) -> StatusKeeper:
    return StatusKeeper(
        statuses=StatusStore(world.pool),
        doorbell=bell or Bell(),
        reports=world.numbers,
        tracer=world.tracer,
    )


def keeper(world: World, *, since: datetime | None = None, bell: Bell | None = None):
    statuses = status_keeper(world, bell)
    return OutboxKeeper(
        outbox=Outbox(world.pool),
        dispatcher=world.sender(),
        statuses=statuses,
        health=Health(since),
        tracer=world.tracer,
    )


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


async def states(pool: asyncpg.Pool) -> list[str]:
    return [r["state"] for r in await pool.fetch("SELECT state FROM outbox ORDER BY seq")]


async def test_the_ranks_of_python_and_sql_are_the_same(pool):
    for one, rank in RANK.items():
        assert await pool.fetchval("SELECT status_rank_v1($1)", one) == rank


async def an_unknown_row(pool: asyncpg.Pool, world: World) -> ConversationId:
    conversation = await a_conversation(pool)
    world.graph.fail_with = [UnknownOutcomeError("no answer in time")]
    await run(world, conversation)
    await pool.execute("UPDATE outbox SET not_before = now() - interval '1 second'")
    return conversation


async def test_an_unknown_reply_without_money_is_sent_once_more_after_the_grace(pool, world):
    await an_unknown_row(pool, world)
    await keeper(world, since=hours_ago(1)).settle()
    assert await states(pool) == ["queued"]
    await pool.execute("UPDATE outbox SET created_at = now() - interval '1 minute'")
    await keeper(world).send_due()
    assert len(world.graph.sent) == 1
    assert await pool.fetchval("SELECT possible_duplicate FROM outbox")


async def test_the_grace_does_not_count_while_webhooks_are_not_received(pool, world):
    await an_unknown_row(pool, world)
    await keeper(world, since=None).settle()
    just_back = datetime.now(UTC) - timedelta(seconds=5)
    await keeper(world, since=just_back).settle()
    assert await states(pool) == ["unknown"]


async def test_an_unknown_reply_about_money_is_parked_for_a_person(pool, world):
    conversation = await an_unknown_row(pool, world)
    await pool.execute("UPDATE outbox SET carries_money = true")
    await keeper(world, since=hours_ago(1)).settle()
    assert await states(pool) == ["parked"]
    await run(world, conversation)
    assert await pool.fetchval("SELECT reason FROM handoffs") == "falha de envio"


async def test_a_second_unknown_outcome_is_parked_and_never_sent_a_third_time(pool, world):
    await an_unknown_row(pool, world)
    await pool.execute("UPDATE outbox SET possible_duplicate = true")
    await keeper(world, since=hours_ago(1)).settle()
    assert await states(pool) == ["parked"]


async def test_a_claim_whose_process_died_becomes_unknown_and_its_status_settles_it(pool, world):
    conversation = await a_conversation(pool)
    outbox = Outbox(pool)
    await pool.execute("UPDATE service_windows SET open_until = open_until")
    sender = world.sender()
    world.numbers.refusals.clear()
    original = world.graph.send_message

    async def dies(*args, **more):
        raise SystemExit

    world.graph.send_message = dies
    with pytest.raises(SystemExit):
        await run(world, conversation)
    world.graph.send_message = original
    assert await states(pool) == ["claimed"]
    await pool.execute("UPDATE outbox SET claimed_at = now() - interval '20 seconds'")
    assert await outbox.find_lost_claims() == [conversation]
    attempt = await pool.fetchval("SELECT id FROM send_attempts")
    await store(pool, status("wamid.X", "sent", attempt=attempt))
    await pool.execute("UPDATE message_statuses SET received_at = now() - interval '5 seconds'")
    await keeper(world, since=hours_ago(1)).settle()
    assert await states(pool) == ["accepted"]
    await sender.dispatch(conversation)
    assert world.graph.sent == []


async def test_a_failure_told_later_is_given_up_and_rings_the_conversation(pool, world):
    conversation = await a_conversation(pool)
    await run(world, conversation)
    attempt = await pool.fetchval("SELECT id FROM send_attempts")
    await store(pool, status(f"wamid.OUT{attempt}", "failed", attempt=attempt, code=131026))
    bell = Bell()
    seqs = [r["seq"] for r in await pool.fetch("SELECT seq FROM message_statuses")]
    await status_keeper(world, bell).apply(seqs)
    assert await states(pool) == ["failed"]
    assert [r.conversation_id for r in bell.rings] == [conversation]


async def test_a_throttled_message_told_later_is_sent_again_with_a_new_claim(pool, world):
    conversation = await a_conversation(pool)
    await run(world, conversation)
    attempt = await pool.fetchval("SELECT id FROM send_attempts")
    await store(pool, status(f"wamid.OUT{attempt}", "failed", attempt=attempt, code=130429))
    seqs = [r["seq"] for r in await pool.fetch("SELECT seq FROM message_statuses")]
    await status_keeper(world).apply(seqs)
    assert await states(pool) == ["queued"]
    await pool.execute("UPDATE outbox SET not_before = now()")
    await world.sender().dispatch(conversation)
    assert len(world.graph.sent) == 2


async def test_statuses_of_another_system_are_dismissed_and_not_asked_for_ever(pool, world):
    await store(pool, status("wamid.FOREIGN", "delivered"))
    await pool.execute("UPDATE message_statuses SET received_at = now() - interval '11 minutes'")
    await keeper(world).settle()
    assert (
        await pool.fetchval("SELECT count(*) FROM message_statuses WHERE applied_at IS NULL") == 0
    )


async def test_a_row_waiting_for_a_blocked_number_is_told_to_a_person_once(pool, world):
    conversation = await a_conversation(pool)
    await pool.execute("UPDATE physical_numbers SET state = 'quarantined', health = 'paused'")
    await run(world, conversation)
    await pool.execute("UPDATE outbox SET created_at = now() - interval '2 minutes'")
    await keeper(world).settle()
    await keeper(world).settle()
    await run(world, conversation)
    assert world.graph.sent == []
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 1
    assert await states(pool) == ["queued"]


async def test_two_senders_claim_a_row_once(pool):
    world = World(pool, rules={"quiet": QUICK})
    conversation = await a_conversation(pool)
    await pool.execute("UPDATE physical_numbers SET state = 'quarantined'")
    await run(world, conversation)
    await pool.execute("UPDATE physical_numbers SET state = 'active'")
    outbox = Outbox(pool)
    where = await outbox.claim_next(conversation, AttemptId(new_id()), lane=None, sender="one")
    assert where.verdict is ClaimVerdict.OTHER_LANE
    assert where.row is not None
    claims = await asyncio.gather(
        *(
            outbox.claim_next(conversation, AttemptId(new_id()), lane=where.row.lane, sender=name)
            for name in ("one", "two")
        )
    )
    verdicts = {claim.verdict for claim in claims}
    assert ClaimVerdict.CLAIMED in verdicts
    assert verdicts <= {ClaimVerdict.CLAIMED, ClaimVerdict.SETTLED, ClaimVerdict.GONE}
    assert len(verdicts) == 2


async def test_an_inbound_reply_reopens_the_window_for_a_parked_conversation(pool, world):
    conversation = await a_conversation(pool)
    await pool.execute("UPDATE service_windows SET open_until = now()")
    await run(world, conversation)
    assert await states(pool) == ["parked"]
    await store(pool, inbound("voltei"))
    await run(world, conversation)
    assert (await states(pool))[-1] == "accepted"


async def told(pool: asyncpg.Pool, world: World, conversation: ConversationId) -> list[str]:
    """Why people were called, after everything had its time twice."""
    for _ in range(2):
        await keeper(world, since=hours_ago(1)).settle()
        await run(world, conversation)
    return [row["reason"] for row in await pool.fetch("SELECT reason FROM handoffs")]


async def test_an_answer_kept_here_by_the_closed_window_is_told_to_a_person_once(pool, world):
    conversation = await a_conversation(pool)
    await pool.execute("UPDATE service_windows SET open_until = now()")
    await run(world, conversation)
    assert await told(pool, world, conversation) == ["janela de 24 h fechada"]
    filed = "SELECT count(*) FROM inbound_events WHERE kind = 'send_failed'"
    assert await pool.fetchval(filed) == 1
    assert "send.window_closed" in world.tracer.stages
    assert "turn.fenced" not in world.tracer.stages


async def test_the_cap_counts_under_the_contacts_lock(pool, world):
    """Two conversations of one contact cannot each take the last message of the hour."""
    conversation = await a_conversation(pool)
    await pool.execute("UPDATE physical_numbers SET state = 'quarantined'")
    await run(world, conversation)
    row = await pool.fetchval("SELECT id FROM outbox")
    claim = "SELECT verdict FROM claim_send_v2($1, $2, $3, 'test', 1, 60, interval '5 seconds')"
    async with pool.acquire() as db, db.transaction():
        await db.execute("SELECT 1 FROM contacts FOR NO KEY UPDATE")
        claiming = asyncio.create_task(pool.fetchval(claim, row, new_id(), FACADE))
        await somebody_waits(pool)
        message, other = new_id(), new_id()
        await db.execute(
            "INSERT INTO facades (id, account_id, name, display_phone)"
            " SELECT $1, account_id, 'Outra', '' FROM facades LIMIT 1", other,
        )  # fmt: skip
        await db.execute(
            "INSERT INTO conversations (id, facade_id, contact_id, bucket)"
            " SELECT $1, $1, contact_id, 0 FROM conversations LIMIT 1", other,
        )  # fmt: skip
        await db.execute(
            "INSERT INTO messages (id, conversation_id, direction, author, content, status)"
            " VALUES ($1, $2, 'outbound', 'agent', '{}', 'accepted')", message, other,
        )  # fmt: skip
        await db.execute(
            "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
            " state, claimed_at) SELECT $1, $1, contact_id, $2, 'agent', 1, '{}', 'accepted', now()"
            " FROM conversations WHERE id = $1", other, message,
        )  # fmt: skip
    assert await claiming == "loop_cap"


class HeardNumbers(FakePool):
    """Reports reach a real NumberPoolCore, as they do through its actor."""

    def __init__(self, core: NumberPoolCore) -> None:
        super().__init__()
        self.core = core
        self._heard: list[NumberSignal] = []

    @override
    def refused(
        self, phone_number_id: PhysicalNumberId, failure: SendFailure, *, code: int | None
    ) -> None:
        super().refused(phone_number_id, failure, code=code)
        self._heard.append(
            NumberSignal(
                phone_number_id=phone_number_id, code=code, scope=failure.scope,
                stops=failure.stops_sending, reason=failure.reason,
            )
        )  # fmt: skip

    async def work(self) -> None:
        heard, self._heard = self._heard, []
        await self.core.handle_signals(heard)


async def told_later(world: World, code: int) -> None:
    """Meta tells of the newest attempt that it failed after all."""
    attempt = await world.pool.fetchval("SELECT id FROM send_attempts ORDER BY claimed_at DESC")
    await store(world.pool, status(f"wamid.OUT{attempt}", "failed", attempt=attempt, code=code))
    seqs = await world.pool.fetch("SELECT seq FROM message_statuses WHERE applied_at IS NULL")
    await status_keeper(world).apply([r["seq"] for r in seqs])


async def a_round(world: World, conversation: ConversationId) -> None:
    """What the sender actor and the conversation do while a row is due."""
    await world.pool.execute(
        "UPDATE outbox SET not_before = now(), created_at = now() - interval '10 minutes'"
    )
    await keeper(world).settle()
    await keeper(world).send_due()
    await run(world, conversation)


async def test_a_failure_of_the_account_told_later_stops_it_and_ends_after_a_few_tries(pool, world):
    feed = HandFeed()
    numbers = HeardNumbers(NumberPoolCore(NumberStore(pool), world.graph, feed, SystemClock()))
    world.numbers = numbers
    await numbers.core.refresh()
    conversation = await a_conversation(pool)
    await run(world, conversation)
    await told_later(world, 131042)
    await numbers.work()
    for _ in range(3):
        await a_round(world, conversation)
    assert len(world.graph.sent) == 1, "nothing is tried while the account is stopped"
    assert await pool.fetchval("SELECT state FROM physical_numbers") == "quarantined"
    told = "SELECT count(*) FROM inbound_events WHERE kind = 'send_failed'"
    assert (await pool.fetchval(told), await states(pool)) == (1, ["queued"])
    for _ in range(STOPPED_TRIES + 3):  # each quarantine ends, and nothing was mended
        await pool.execute("UPDATE physical_numbers SET state = 'active', health = 'healthy'")
        await a_round(world, conversation)
        await told_later(world, 131042)
    assert len(world.graph.sent) == STOPPED_TRIES
    assert (await pool.fetchval(told), await states(pool)) == (2, ["parked"])
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 1
    assert await pool.fetchval("SELECT status FROM messages WHERE author = 'agent'") == "parked"


async def test_a_process_held_up_between_claim_and_post_does_not_post(pool, world, monkeypatch):
    conversation = await a_conversation(pool)
    clock = time.perf_counter

    async def after_an_hour(number):
        if await pool.fetchval("SELECT 1 FROM outbox WHERE state = 'claimed'"):
            monkeypatch.setattr(time, "perf_counter", lambda: clock() + 3600)
        return world.graph

    monkeypatch.setattr(world.graph, "of", after_an_hour)
    await run(world, conversation)
    assert world.graph.sent == []
    assert await pool.fetchval("SELECT outcome FROM send_attempts") == "not_sent"
    assert await states(pool) == ["queued"]
