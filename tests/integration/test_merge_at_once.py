"""A merge against everything that may happen at the same moment, at the interleavings two connections have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from domain.content import Text
from domain.errors import MergedError
from domain.ids import AttemptId, new_id
from domain.outbox import Accepted, ClaimVerdict, NotAccepted, OutboxState
from storage.conversations import ConversationStore
from storage.human_actions import HumanActions
from storage.merge import Merges
from storage.outbox import Outbox
from storage.receipts import Received
from storage.statuses import StatusStore
from storage.timers import TimerStore
from tests.house import FACADE, a_house, inbound, intake_of, received, status, store
from tests.integration.merging import BSUID, PHONE, Twins, some_twins, where, work

pytestmark = pytest.mark.postgres

LOCK = "SELECT 1 FROM conversations WHERE id = $1 FOR NO KEY UPDATE"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await a_house(database, size=12)
    yield pool
    await pool.close()


def begin(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.ensure_future(coroutine)


async def nothing_is_left_behind(twins: Twins) -> None:
    for table in ("messages", "inbound_events", "outbox", "turns", "timers", "handoffs", "cases"):
        left = await twins.pool.fetchval(
            f"SELECT count(*) FROM {table} WHERE conversation_id = $1",  # noqa: S608 - ours
            twins.gone,
        )
        assert left == 0, table


# ---- the claim


async def test_a_claim_that_was_first_is_in_flight_and_settles_in_the_one_that_stays(twins: Twins):
    message = await twins.queue(twins.gone, author="agent")
    row = await twins.pool.fetchval("SELECT id FROM outbox")
    attempt = AttemptId(new_id())
    async with twins.held(
        "SELECT claim_send_v2($1, $2, $3, 'test', 100, 100, interval '5 seconds')",
        row, attempt, FACADE,
    ):  # fmt: skip
        merge = begin(twins.meet())
        await twins.waits()
        assert not merge.done()
    await merge
    assert (await twins.state(message))[0] == "claimed"
    await Outbox(twins.pool).record_accepted(
        Accepted(
            attempt_id=attempt, outbox_id=row, wamid="wamid.A", wa_id=PHONE, http_status=200
        )
    )  # fmt: skip
    assert await twins.pool.fetchval("SELECT conversation_id FROM outbox") == twins.kept
    assert (await twins.state(message))[0] == "accepted"
    await nothing_is_left_behind(twins)


@pytest.mark.parametrize(
    ("author", "verdict"),
    [("agent", ClaimVerdict.SETTLED), ("operator", ClaimVerdict.CLAIMED)],
)
async def test_a_claim_during_a_merge_waits_and_never_takes_a_draft_of_the_ai(
    twins: Twins, author: str, verdict: ClaimVerdict
):
    await twins.queue(twins.gone, author=author)
    lane = (await twins.next_row(twins.gone)).lane
    async with twins.held("SELECT 1 FROM audit_head FOR UPDATE"):  # a merge's last step
        merge = begin(twins.meet())
        await twins.waits()
        claim = begin(
            Outbox(twins.pool).claim_next(twins.gone, AttemptId(new_id()), lane=lane, sender="test")
        )
        await twins.waits(2)
        assert not claim.done()
    await merge
    assert (await claim).verdict is verdict
    claimed = 1 if verdict is ClaimVerdict.CLAIMED else 0
    assert await twins.pool.fetchval("SELECT count(*) FROM send_attempts") == claimed
    await nothing_is_left_behind(twins)


# ---- the commit


async def test_a_commit_that_was_first_goes_over_with_its_question_asked_again(twins: Twins):
    await twins.consent("granted")
    conversation = await ConversationStore(twins.pool).load(twins.gone)
    async with twins.held(LOCK, twins.gone):
        commit = begin(twins.commit(conversation))
        await twins.waits()
        merge = begin(twins.meet())
        await twins.waits(2)
    assert await commit == "committed"
    await merge
    await nothing_is_left_behind(twins)
    await work(twins.world, twins.kept)
    assert twins.world.graph.texts == ["resposta a: oi do telefone | oi do id | sou eu"]


async def test_a_commit_during_a_merge_writes_nothing(twins: Twins):
    await twins.consent("granted")
    conversation = await ConversationStore(twins.pool).load(twins.gone)
    async with twins.held("SELECT 1 FROM audit_head FOR UPDATE"):
        merge = begin(twins.meet())
        await twins.waits()
        commit = begin(twins.commit(conversation))
        await twins.waits(2)
        assert not commit.done()
    await merge
    assert await commit == "lost"
    assert await twins.pool.fetchval("SELECT count(*) FROM outbox") == 0
    await nothing_is_left_behind(twins)
    await work(twins.world, twins.kept)
    assert twins.world.graph.texts == ["resposta a: oi do telefone | oi do id | sou eu"]


# ---- people


async def test_a_takeover_that_was_first_holds_in_the_one_that_stays(twins: Twins):
    ana = await twins.operator()
    async with twins.held("SELECT 1 FROM audit_head FOR UPDATE"):
        takeover = begin(HumanActions(twins.pool).takeover(twins.gone, ana))
        await twins.waits()
        merge = begin(twins.meet())
        await twins.waits(2)
    await takeover
    await merge
    row = await twins.row(twins.kept)
    assert (row["mode"], row["assignee_id"]) == ("operator", ana.operator_id)


async def test_a_reply_during_a_merge_is_refused_and_names_where_it_goes_on(twins: Twins):
    ana = await twins.operator()
    async with twins.held("SELECT 1 FROM audit_head FOR UPDATE"):
        merge = begin(twins.meet())
        await twins.waits()
        reply = begin(HumanActions(twins.pool).reply(twins.gone, ana, Text(body="Oi")))
        await twins.waits(2)
    await merge
    with pytest.raises(MergedError):
        await reply
    assert await twins.pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert (await twins.row(twins.kept))["mode"] == "agent"


# ---- the intake


async def test_two_intakes_that_see_the_same_pair_merge_it_once(twins: Twins):
    first, second = inbound("a", wa_id=PHONE, bsuid=BSUID), inbound("b", wa_id=PHONE, bsuid=BSUID)
    async with twins.held(LOCK, max(twins.kept, twins.gone)):
        both = [begin(store(twins.pool, one)) for one in (first, second)]
        await twins.waits(2)
    receipts = await asyncio.gather(*both)
    assert sorted(len(r.merged) for r in receipts) == [0, 2]
    assert {where(r) for r in receipts} == {twins.kept}
    assert await twins.audited() == ["contact.merge", "conversation.merge"]
    assert await twins.pool.fetchval("SELECT count(*) FROM messages") == 4


async def test_a_message_whose_sender_was_looked_up_before_the_merge_is_answered_all_the_same(
    twins: Twins,
):
    await twins.consent("granted")
    async with twins.held(LOCK, twins.gone):
        by_phone = begin(store(twins.pool, inbound("pelo telefone", wa_id=PHONE)))
        await twins.waits()
        merge = begin(twins.meet("sou eu"))
        await twins.waits(2)
    await asyncio.gather(by_phone, merge)
    for conversation in {where(await by_phone), twins.kept}:
        await work(twins.world, conversation)
    await work(twins.world, twins.kept)
    await nothing_is_left_behind(twins)
    asked = sorted(text for texts in twins.world.agent.asked for text in texts)
    assert asked == ["oi do id", "oi do telefone", "pelo telefone", "sou eu"]


async def test_a_message_stored_during_a_merge_is_brought_over_by_its_own_ring(twins: Twins):
    await twins.consent("granted")
    async with twins.held("SELECT 1 FROM audit_head FOR UPDATE"):
        merge = begin(twins.meet("sou eu"))
        await twins.waits()
        late = begin(store(twins.pool, inbound("pelo telefone", wa_id=PHONE)))
        await twins.waits(2)
    await asyncio.gather(merge, late)
    assert where(await late) == twins.gone
    await work(twins.world, twins.gone)
    await nothing_is_left_behind(twins)
    await work(twins.world, twins.kept)
    [asked] = twins.world.agent.asked
    assert sorted(asked) == ["oi do id", "oi do telefone", "pelo telefone", "sou eu"]


async def test_a_timer_that_fires_during_a_merge_is_brought_over(twins: Twins):
    await twins.timer(twins.gone, "follow_up", datetime.now(UTC))
    async with twins.pool.acquire() as db, db.transaction():
        fired = await TimerStore(db).fire_due()  # type: ignore[arg-type]
        merge = begin(twins.meet())
        await twins.waits()
    await merge
    assert fired == [twins.gone]
    await nothing_is_left_behind(twins)


# ---- no circle of waits


async def test_a_status_and_an_answer_from_meta_take_the_row_before_its_message(twins: Twins):
    message = await twins.queue(twins.gone, author="operator")
    attempt = await twins.claim(message)
    row = await twins.pool.fetchval("SELECT id FROM outbox")
    told = await store(twins.pool, status("wamid.X", "sent", attempt=attempt))
    outbox = Outbox(twins.pool)
    accepted = Accepted(
        attempt_id=attempt, outbox_id=row, wamid="wamid.X", wa_id=PHONE, http_status=200
    )
    refused = NotAccepted(
        attempt_id=attempt, outbox_id=row, outcome="rejected", next_state=OutboxState.QUEUED,
        retry_after_s=1, reason="", http_status=500, code=None, detail="",
    )  # fmt: skip
    for tells in (
        lambda: StatusStore(twins.pool).apply(told.statuses),
        lambda: outbox.record_accepted(accepted),
        lambda: outbox.record_not_accepted(refused),
    ):
        await twins.pool.execute("UPDATE outbox SET state = 'claimed'")
        async with twins.held("SELECT 1 FROM outbox WHERE id = $1 FOR UPDATE", row) as db:
            waiting = begin(tells())
            await twins.waits()
            await db.execute("SELECT 1 FROM messages WHERE id = $1 FOR UPDATE NOWAIT", message)
            await db.execute("SELECT 1 FROM channel_identities FOR UPDATE NOWAIT")
        await waiting


async def test_the_intake_takes_the_conversation_before_the_window(twins: Twins):
    async with twins.held(LOCK, twins.gone) as db:
        waiting = begin(store(twins.pool, inbound("mais uma", wa_id=PHONE)))
        await twins.waits()
        await db.execute("SELECT 1 FROM service_windows FOR UPDATE NOWAIT")
    await waiting


async def test_a_storm_of_everything_at_once_loses_nothing_and_waits_in_no_circle(pool):
    twins = await some_twins(pool)
    await twins.consent("granted")
    ana = await twins.operator()
    acts, intake, outbox = HumanActions(pool), intake_of(pool), Outbox(pool)
    for n in range(6):
        message = await twins.queue((twins.kept, twins.gone)[n % 2], str(n), author="operator")
        if n < 2:
            attempt = await twins.claim(message)
            await store(pool, status(f"wamid.S{n}", "sent", attempt=attempt))
    conversations = [await ConversationStore(pool).load(c) for c in (twins.kept, twins.gone)]

    async def hears(*flush: Received) -> None:
        await intake.store(flush)

    async def notes(conversation: Any, n: int) -> None:
        try:
            await acts.note(conversation, ana, f"nota {n}")
        except MergedError:
            await acts.note(twins.kept, ana, f"nota {n}")

    storm = [
        *(hears(received(inbound(f"t{n}", wa_id=PHONE))) for n in range(8)),
        *(hears(received(inbound(f"i{n}", wa_id=None, bsuid=BSUID))) for n in range(8)),
        *(
            hears(
                received(inbound(f"x{n}", wa_id=f"55318877000{n}")),
                received(inbound(f"b{n}", wa_id=PHONE, bsuid=BSUID)),
                received(inbound(f"y{n}", wa_id=None, bsuid=BSUID)),
            )
            for n in range(4)
        ),
        *(notes((twins.kept, twins.gone)[n % 2], n) for n in range(6)),
        *(twins.commit(c) for c in conversations),
        *(twins.world.sender().dispatch(c) for c in (twins.kept, twins.gone) * 2),
        StatusStore(pool).apply_left_over(),
        outbox.find_lost_claims(),
        Merges(pool).gather(twins.gone),
    ]
    async with asyncio.timeout(60):
        await asyncio.gather(*storm)
        await work(twins.world, twins.gone)
        await work(twins.world, twins.kept)
        await twins.world.sender().dispatch(twins.kept)
    await nothing_is_left_behind(twins)
    heard = await pool.fetchval(
        "SELECT count(*) FROM messages WHERE conversation_id = $1 AND author = 'contact'",
        twins.kept,
    )
    assert heard == 2 + 8 + 8 + 8
    assert await pool.fetchval("SELECT count(*) FROM notes") == 6
    unworked = await pool.fetchval(
        "SELECT count(*) FROM inbound_events WHERE worked_at IS NULL AND conversation_id = $1",
        twins.kept,
    )
    assert unworked == 0
    sent = [text for text in twins.world.graph.texts if text.isdecimal()]
    assert len(sent) == len(set(sent))
    assert await pool.fetchval("SELECT count(*) FROM audit WHERE action = 'contact.merge'") == 1
