"""People against the AI and against each other, at the interleavings that two connections can have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from domain.content import Text
from domain.errors import InvalidInputError, NotFoundError, RejectedError
from domain.ids import ConversationId, MessageId, OperatorId, new_id
from storage.human_actions import Acting, HumanActions
from tests.house import FACADE, a_house, inbound, somebody_waits, store

pytestmark = [pytest.mark.postgres]

CLAIM = (
    "SELECT verdict FROM claim_send_v2($1, $2, $3, 'test', 100, 100, interval '5 seconds') AS claim"
)


@dataclass
class Scene:
    """One conversation, two people, and the rows the AI left in the outbox."""

    pool: asyncpg.Pool
    acts: HumanActions
    conversation: ConversationId
    ana: OperatorId
    bia: OperatorId

    def by(self, who: OperatorId, *, scoped: bool = False) -> Acting:
        return Acting(
            operator_id=who,
            audit_name=f"operator/{who}",
            row_scope=who if scoped else None,
            at=datetime.now(UTC),
        )

    async def draft(self, state: str = "queued", *, author: str = "agent", **more: Any) -> UUID:
        """A row of the outbox with its message; returns the message."""
        message_id = new_id()
        await self.pool.execute(
            "INSERT INTO messages (id, conversation_id, direction, author, content, body, status)"
            " VALUES ($1, $2, 'outbound', $3, $4, 'x', $5)",
            message_id, self.conversation, author, {"kind": "text", "body": "x"},
            "queued" if state in {"queued", "claimed"} else state,
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
            " state, reason, attempts) SELECT $1, c.id, c.contact_id, $3, $4, c.epoch, $5, $6, $7, $8"
            " FROM conversations c WHERE c.id = $2",
            new_id(), self.conversation, message_id, author, {"kind": "text", "body": "x"}, state,
            more.get("reason", ""), more.get("attempts", 0 if state == "queued" else 1),
        )  # fmt: skip
        return message_id

    async def row(self, message_id: UUID) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM outbox WHERE message_id = $1", message_id)
        assert row is not None
        return row

    async def claim(self, db: Any, message_id: UUID) -> str:
        row = await self.row(message_id)
        verdict: str = await db.fetchval(CLAIM, row["id"], new_id(), FACADE)
        return verdict

    async def state(self) -> tuple[str, int, UUID | None]:
        row = await self.pool.fetchrow("SELECT * FROM conversations")
        assert row is not None
        return row["mode"], row["epoch"], row["assignee_id"]

    async def audited(self) -> list[str]:
        rows = await self.pool.fetch("SELECT action FROM audit ORDER BY seq")
        return [row["action"] for row in rows]

    async def says(self, text: str) -> UUID:
        receipt = await store(self.pool, inbound(text))
        message_id = receipt.events[0].message_id
        assert message_id is not None
        return UUID(str(message_id))

    async def pending(self) -> list[UUID]:
        rows = await self.pool.fetch(
            "SELECT message_id FROM inbound_events WHERE worked_at IS NULL AND kind = 'message' ORDER BY seq"
        )
        return [row["message_id"] for row in rows]

    async def somebody_waits(self) -> None:
        await somebody_waits(self.pool)

    @asynccontextmanager
    async def held(self, statement: str, *args: object) -> AsyncIterator[Any]:
        """Runs it in a transaction that ends with the block."""
        async with self.pool.acquire() as db, db.transaction():
            await db.execute(statement, *args)
            yield db

    def before_commit(self) -> Any:
        """While it lasts every act stops where only its audit line and the commit are missing."""
        return self.held("SELECT 1 FROM audit_head FOR UPDATE")


@pytest.fixture
async def scene(database: str) -> AsyncIterator[Scene]:
    pool = await a_house(database, size=8)
    receipt = await store(pool, inbound("Oi"))
    conversation_id = receipt.events[0].conversation_id
    assert conversation_id is not None
    people = [OperatorId(new_id()) for _ in range(2)]
    for index, one in enumerate(people):
        await pool.execute(
            "INSERT INTO operators (id, email, name, role, password_hash) VALUES ($1, $2, 'P', 'vendor', '')",
            one, f"p{index}@loja.example",
        )  # fmt: skip
    yield Scene(pool, HumanActions(pool), conversation_id, *people)
    await pool.close()


async def test_two_takeovers_at_once_both_count_and_the_later_has_it(scene: Scene):
    async with scene.before_commit():
        first = asyncio.ensure_future(scene.acts.takeover(scene.conversation, scene.by(scene.ana)))
        await scene.somebody_waits()
        second = asyncio.ensure_future(scene.acts.takeover(scene.conversation, scene.by(scene.bia)))
        await asyncio.sleep(0.1)
        assert not first.done()
        assert not second.done()
    assert ((await first).epoch, (await second).epoch) == (2, 3)
    assert await scene.state() == ("operator", 3, scene.bia)
    assert await scene.audited() == ["conversation.takeover"] * 2


async def test_a_claim_that_was_first_is_reported_in_flight(scene: Scene):
    message = await scene.draft()
    async with scene.pool.acquire() as db, db.transaction():
        assert await scene.claim(db, message) == "claimed"
        takeover = asyncio.ensure_future(
            scene.acts.takeover(scene.conversation, scene.by(scene.ana))
        )
        await scene.somebody_waits()
        assert not takeover.done()
    assert (await takeover).in_flight == (message,)
    assert (await scene.row(message))["state"] == "claimed"


async def test_a_claim_that_came_to_nothing_leaves_a_row_to_withdraw(scene: Scene):
    message = await scene.draft()
    async with scene.pool.acquire() as db:
        transaction = db.transaction()
        await transaction.start()
        assert await scene.claim(db, message) == "claimed"
        takeover = asyncio.ensure_future(
            scene.acts.takeover(scene.conversation, scene.by(scene.ana))
        )
        await scene.somebody_waits()
        await transaction.rollback()
    assert (await takeover).in_flight == ()
    assert (await scene.row(message))["state"] == "withdrawn"


async def test_a_claim_during_a_takeover_waits_and_sends_nothing(scene: Scene):
    message = await scene.draft()
    async with scene.pool.acquire() as db:
        async with scene.before_commit():
            takeover = asyncio.ensure_future(
                scene.acts.takeover(scene.conversation, scene.by(scene.ana))
            )
            await scene.somebody_waits()
            claim = asyncio.ensure_future(scene.claim(db, message))
            await asyncio.sleep(0.1)
            assert not claim.done(), "the claim takes the same lock"
        assert (await takeover).in_flight == ()
        assert await claim in {"settled", "fenced"}
    assert await scene.pool.fetchval("SELECT count(*) FROM send_attempts") == 0


async def test_a_takeover_that_died_before_its_commit_fences_nothing(scene: Scene):
    message = await scene.draft()
    async with scene.pool.acquire() as db:
        async with scene.before_commit():
            takeover = asyncio.ensure_future(
                scene.acts.takeover(scene.conversation, scene.by(scene.ana))
            )
            await scene.somebody_waits()
            takeover.cancel()
            await asyncio.gather(takeover, return_exceptions=True)
        assert await scene.claim(db, message) == "claimed"
    assert await scene.state() == ("agent", 1, None)


async def test_a_row_committed_with_the_old_epoch_after_a_takeover_is_fenced(scene: Scene):
    message = await scene.draft()
    await scene.pool.execute("UPDATE conversations SET epoch = 5")
    assert await scene.claim(scene.pool, message) == "fenced"
    assert (await scene.row(message))["state"] == "withdrawn"


async def test_a_reply_withdraws_what_waits_and_reports_what_flies(scene: Scene):
    flying = [await scene.draft("claimed"), await scene.draft("unknown")]
    waiting = [await scene.draft(), await scene.draft()]
    fixed = await scene.draft(author="system")
    reply = await scene.acts.reply(
        scene.conversation, scene.by(scene.ana), Text(body="Oi, sou a Ana")
    )
    assert reply.fence.in_flight == tuple(flying)
    assert [(await scene.row(one))["state"] for one in waiting] == ["withdrawn"] * 2
    assert (await scene.row(fixed))["state"] == "queued", "a wording of the house stays"
    assert (await scene.row(reply.message_id))["epoch"] == reply.fence.epoch == 2
    assert await scene.state() == ("operator", 2, scene.ana)
    assert await scene.pending() == []


@pytest.mark.parametrize(
    ("border", "left"),
    [(None, ["b", "c"]), ("all", []), ("a", ["b", "c"]), ("reply", ["b", "c"]), ("b", ["c"]), (0, ["b", "c"]), (2**62, [])],
)  # fmt: skip
async def test_after_the_hand_back_pending_is_what_came_after_the_person(
    scene: Scene, border: Any, left: list[str]
):
    said: dict[Any, Any] = {"a": await scene.says("quanto custa?")}
    reply = await scene.acts.reply(scene.conversation, scene.by(scene.ana), Text(body="R$ 10"))
    said["reply"] = reply.message_id
    said["b"], said["c"] = await scene.says("e o frete?"), await scene.says("e o prazo?")
    wanted = said.get(border, border)
    fence = await scene.acts.hand_back(scene.conversation, scene.by(scene.ana), wanted)
    assert await scene.pending() == [said[name] for name in left]
    assert await scene.state() == ("agent", 3, None)
    assert fence.handled_up_to <= await scene.pool.fetchval("SELECT max(seq) FROM inbound_events")
    later = await scene.says("mais uma")
    assert later in await scene.pending()


async def test_a_border_of_another_conversation_is_refused(scene: Scene):
    other = await store(scene.pool, inbound("Oi", wa_id="553188880000"))
    foreign = other.events[0].message_id
    assert foreign is not None
    with pytest.raises(InvalidInputError):
        await scene.acts.hand_back(scene.conversation, scene.by(scene.ana), UUID(str(foreign)))
    assert await scene.audited() == []


async def test_a_takeover_without_an_answer_leaves_everything_pending(scene: Scene):
    asked = await scene.says("quanto custa?")
    await scene.acts.takeover(scene.conversation, scene.by(scene.ana))
    await scene.acts.hand_back(scene.conversation, scene.by(scene.ana), None)
    assert (await scene.pending())[-1] == asked


async def test_a_whisper_outlives_the_persons_own_answer(scene: Scene):
    await scene.acts.whisper(scene.conversation, scene.by(scene.ana), "ofereça o anual")
    await scene.acts.reply(scene.conversation, scene.by(scene.ana), Text(body="Oi"))
    kinds = await scene.pool.fetch("SELECT kind FROM inbound_events WHERE worked_at IS NULL")
    assert [row["kind"] for row in kinds] == ["whisper"]


Act = Callable[[Scene], Coroutine[Any, Any, object]]
ACTS: dict[str, Act] = {
    "takeover": lambda s: s.acts.takeover(s.conversation, s.by(s.bia, scoped=True)),
    "reply": lambda s: s.acts.reply(s.conversation, s.by(s.bia, scoped=True), Text(body="x")),
    "hand_back": lambda s: s.acts.hand_back(s.conversation, s.by(s.bia, scoped=True), None),
    "close": lambda s: s.acts.close(s.conversation, s.by(s.bia, scoped=True), "x"),
    "mute": lambda s: s.acts.mute(s.conversation, s.by(s.bia, scoped=True)),
    "note": lambda s: s.acts.note(s.conversation, s.by(s.bia, scoped=True), "x"),
    "qualify": lambda s: s.acts.qualify(s.conversation, s.by(s.bia, scoped=True), 0.5),
    "mark_read": lambda s: s.acts.mark_read(s.conversation, s.by(s.bia, scoped=True)),
    "escalate": lambda s: s.acts.escalate(
        s.conversation, s.by(s.bia, scoped=True), reason="x", priority="low"
    ),
}


@pytest.mark.parametrize("name", ACTS)
async def test_a_reassignment_in_between_does_not_slip_through(scene: Scene, name: str):
    await scene.pool.execute("UPDATE conversations SET assignee_id = $1", scene.bia)
    before = await scene.pool.fetchrow("SELECT epoch, version FROM conversations")
    async with scene.held("UPDATE conversations SET assignee_id = $1", scene.ana):
        act = asyncio.ensure_future(ACTS[name](scene))
        await scene.somebody_waits()
    with pytest.raises(NotFoundError):
        await act
    assert await scene.pool.fetchrow("SELECT epoch, version FROM conversations") == before
    assert await scene.audited() == []


@pytest.mark.parametrize("name", ACTS)
async def test_every_act_is_audited_once_in_its_own_transaction(scene: Scene, name: str):
    await scene.pool.execute("UPDATE conversations SET assignee_id = $1", scene.bia)
    await ACTS[name](scene)
    assert len(await scene.audited()) == 1
    expected = {"hand_back": "handback", "mark_read": "seen"}.get(name, name)
    assert await scene.audited() == [f"conversation.{expected}"]


async def test_outside_the_window_of_its_number_a_reply_is_refused_and_nothing_changed(
    scene: Scene,
):
    await scene.pool.execute("UPDATE service_windows SET open_until = now() - interval '1 minute'")
    await scene.pool.execute(
        "INSERT INTO service_windows SELECT contact_id, '106000000000002', now() + interval '1 hour'"
        " FROM service_windows"
    )
    with pytest.raises(RejectedError, match="janela de 24 h"):
        await scene.acts.reply(scene.conversation, scene.by(scene.ana), Text(body="Oi"))
    assert await scene.state() == ("agent", 1, None)
    assert await scene.audited() == []
    assert await scene.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_muted_conversation_keeps_whose_it_was_and_is_fenced(scene: Scene):
    message = await scene.draft()
    await scene.pool.execute("UPDATE conversations SET assignee_id = $1", scene.bia)
    await scene.acts.mute(scene.conversation, scene.by(scene.bia, scoped=True))
    assert await scene.state() == ("muted", 2, scene.bia)
    assert (await scene.row(message))["state"] == "withdrawn"


async def test_a_parked_message_leaves_again_by_a_persons_decision(scene: Scene):
    message = MessageId(await scene.draft("parked", reason="unknown_outcome"))
    await scene.acts.takeover(scene.conversation, scene.by(scene.ana))
    await scene.acts.resend(message, scene.by(scene.ana))
    row = await scene.row(message)
    assert (row["state"], row["epoch"], row["possible_duplicate"]) == ("queued", 2, True)
    assert await scene.claim(scene.pool, message) == "claimed"
    with pytest.raises(RejectedError):
        await scene.acts.resend(message, scene.by(scene.ana))
    assert await scene.state() == ("operator", 2, scene.ana), "deciding raises nothing"
    assert (await scene.audited())[1:] == ["conversation.resend"]


async def test_a_parked_message_is_known_to_have_arrived(scene: Scene):
    message = MessageId(await scene.draft("parked", reason="unknown_outcome"))
    never = MessageId(await scene.draft("parked", reason="window_closed", attempts=0))
    await scene.acts.arrived(message, scene.by(scene.ana))
    assert (await scene.row(message))["state"] == "accepted"
    status = await scene.pool.fetchval("SELECT status FROM messages WHERE id = $1", message)
    assert status == "delivered"
    with pytest.raises(RejectedError, match="nunca saiu"):
        await scene.acts.arrived(never, scene.by(scene.ana))
    with pytest.raises(NotFoundError):
        await scene.acts.arrived(message, scene.by(scene.bia, scoped=True))


async def test_a_scheduled_contact_is_kept_with_its_time(scene: Scene):
    at = datetime.now(UTC) + timedelta(days=1)
    await scene.acts.schedule(scene.conversation, scene.by(scene.ana), at=at, subject="ligar")
    assert await scene.pool.fetchval("SELECT at FROM scheduled_calls") == at
