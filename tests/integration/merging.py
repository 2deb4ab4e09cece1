"""A person known twice: by phone only, and by BSUID only; with what either conversation can hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from actors.conversation.core import ConversationCore
from domain.commit import Commit, CommitVerdict, OutboundDraft, TurnRecord
from domain.conversation import Conversation
from domain.ids import (
    AttemptId,
    ConversationId,
    MessageId,
    OperatorId,
    OutboxId,
    TurnId,
    new_id,
)
from domain.outbox import ClaimVerdict, OutboxRow
from domain.ownership import Standing
from domain.turn import QuietRule, TurnState
from storage.conversations import ConversationStore
from storage.human_actions import Acting
from storage.merge import Merge, merge_contacts
from storage.outbox import Outbox
from storage.receipts import Receipt
from tests.factories import NOW
from tests.fakes.world import World
from tests.house import FACADE, WABA, inbound, store

PHONE, BSUID = "553188887777", "BR.1"
QUICK = QuietRule(base=timedelta(0), cap=timedelta(seconds=15))


@dataclass
class Twins:
    """`kept` is the conversation of the contact with the BSUID, `gone` the other one's."""

    pool: asyncpg.Pool
    world: World
    kept: ConversationId
    gone: ConversationId

    async def meet(self, text: str = "sou eu") -> Receipt:
        """The message that shows that both are one."""
        return await store(self.pool, inbound(text, wa_id=PHONE, bsuid=BSUID))

    async def merge(self) -> Merge:
        """The merge alone, without a message."""
        async with self.pool.acquire() as db, db.transaction():
            merge = await merge_contacts(
                db,
                kept=(await self.row(self.kept))["contact_id"],
                gone=(await self.row(self.gone))["contact_id"],
            )
        assert merge is not None
        return merge

    # ---- looking

    async def row(self, conversation: UUID | None) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM conversations WHERE id = $1", conversation)
        assert row is not None
        return row

    async def contact(self, conversation: ConversationId) -> asyncpg.Record:
        row = await self.pool.fetchrow(
            "SELECT p.* FROM contacts p JOIN conversations c ON c.contact_id = p.id WHERE c.id = $1",
            conversation,
        )
        assert row is not None
        return row

    async def state(self, message: UUID) -> tuple[str, str]:
        """(state, reason) of a message's outbox row."""
        row = await self.pool.fetchrow(
            "SELECT state, reason FROM outbox WHERE message_id = $1", message
        )
        assert row is not None
        return row["state"], row["reason"]

    async def audited(self) -> list[str]:
        return [r["action"] for r in await self.pool.fetch("SELECT action FROM audit ORDER BY seq")]

    # ---- putting something into a conversation

    async def queue(
        self,
        conversation: ConversationId,
        text: str = "x",
        *,
        author: str,
        turn: UUID | None = None,
    ) -> UUID:
        """A row of the outbox with its message; returns the message."""
        message = new_id()
        content = {"kind": "text", "body": text}
        await self.pool.execute(
            "INSERT INTO messages (id, conversation_id, direction, author, content, body, status,"
            " turn_id) VALUES ($1, $2, 'outbound', $3, $4, $5, 'queued', $6)",
            message, conversation, author, content, text, turn,
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch, content,"
            " turn_id) SELECT $1, c.id, c.contact_id, $3, $4, c.epoch, $5, $6 FROM conversations c"
            " WHERE c.id = $2",
            new_id(), conversation, message, author, content, turn,
        )  # fmt: skip
        return message

    async def answered(self, conversation: ConversationId, *, bubbles: int = 1) -> UUID:
        """The pending events as a turn of the AI worked them; returns its first bubble's message."""
        turn = await self.journal(conversation)
        await self.pool.execute(
            "UPDATE inbound_events SET worked_at = now(), outcome = 'answered', turn_id = $2"
            " WHERE conversation_id = $1", conversation, turn,
        )  # fmt: skip
        rows = [await self.queue(conversation, author="agent", turn=turn) for _ in range(bubbles)]
        return rows[0]

    async def claim(self, message: UUID) -> AttemptId:
        """Takes the row for a POST, as its sender does just before it."""
        attempt = AttemptId(new_id())
        conversation = ConversationId(
            await self.pool.fetchval(
                "SELECT conversation_id FROM outbox WHERE message_id = $1", message
            )
        )
        lane = (await self.next_row(conversation)).lane
        claim = await Outbox(self.pool).claim_next(conversation, attempt, lane=lane, sender="test")
        assert claim.verdict is ClaimVerdict.CLAIMED
        assert claim.row is not None
        assert claim.row.message_id == message
        return attempt

    async def journal(self, conversation: ConversationId, *, cost: int = 0) -> UUID:
        """A turn that took a note and fixed a call; returns it."""
        turn = new_id()
        await self.pool.execute(
            "INSERT INTO turns (id, conversation_id, epoch, version, state, started_at, cost_micros)"
            " VALUES ($1, $2, 1, 1, 'committed', now(), $3)", turn, conversation, cost,
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO notes (id, conversation_id, author, body) VALUES ($1, $2, 'agent', 'n')",
            new_id(), conversation,
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO scheduled_calls (id, conversation_id, subject, at)"
            " VALUES ($1, $2, 's', now())", new_id(), conversation,
        )  # fmt: skip
        await self.pool.execute(
            "UPDATE conversations SET cost_micros = $2 WHERE id = $1", conversation, cost
        )
        return turn

    async def next_row(self, conversation: ConversationId) -> OutboxRow:
        """The next message of a conversation as it would leave now; nothing is claimed."""
        claim = await Outbox(self.pool).claim_next(
            conversation, AttemptId(new_id()), lane=None, sender="test"
        )
        assert claim.row is not None
        return claim.row

    async def commit(self, conversation: Conversation) -> CommitVerdict:
        """An answer to all that was pending, as the turn loop commits it."""
        draft = OutboundDraft(
            message_id=MessageId(new_id()), outbox_id=OutboxId(new_id()), author="agent",
            content={"kind": "text", "body": "r"}, text="r", position=0,
        )  # fmt: skip
        result = await ConversationStore(self.pool).commit(
            Commit(
                conversation_id=conversation.id, epoch=conversation.epoch,
                version=conversation.version, outbound=[draft], outcome="answered",
                worked=[e.seq for e in conversation.pending], turn=_journalled(conversation),
            )
        )  # fmt: skip
        return result.verdict

    async def timer(self, conversation: ConversationId, key: str, due: datetime) -> None:
        await self.pool.execute(
            "INSERT INTO timers (id, conversation_id, kind, key, due_at) VALUES ($1, $2, 'k', $3, $4)",
            new_id(), conversation, key, due,
        )  # fmt: skip

    async def case(self, conversation: ConversationId, purpose: str) -> None:
        await self.pool.execute(
            "INSERT INTO cases (id, conversation_id, purpose) VALUES ($1, $2, $3)",
            new_id(), conversation, purpose,
        )  # fmt: skip

    async def handoff(self, conversation: ConversationId, priority: str) -> None:
        await self.pool.execute(
            "INSERT INTO handoffs (id, conversation_id, reason, priority, raised_by)"
            " VALUES ($1, $2, 'r', $3, 'agent')", new_id(), conversation, priority,
        )  # fmt: skip

    async def consent(self, state: str, *, of: ConversationId | None = None) -> None:
        """Of one contact with its line of history, or simply of both."""
        if of is None:
            await self.pool.execute("UPDATE contacts SET ai_consent = $1", state)
            return
        contact = (await self.contact(of))["id"]
        await self.pool.execute("UPDATE contacts SET ai_consent = $2 WHERE id = $1", contact, state)
        if state != "none":
            await self.pool.execute(
                "INSERT INTO consents (id, contact_id, purpose, state, text_version, channel)"
                " VALUES ($1, $2, 'ai', $3, 'v1', 'whatsapp')", new_id(), contact, state,
            )  # fmt: skip

    async def suppress(
        self, conversation: ConversationId, scope: str, *, lifted: bool = False
    ) -> None:
        await self.pool.execute(
            "INSERT INTO suppressions (id, contact_id, scope, source, lifted_at)"
            " VALUES ($1, $2, $3, 'test', CASE WHEN $4 THEN now() END)",
            new_id(), (await self.contact(conversation))["id"], scope, lifted,
        )  # fmt: skip

    async def know(
        self, conversation: ConversationId, *, name: str, company: str, **profile: str
    ) -> None:
        await self.pool.execute(
            "UPDATE contacts SET name = $2, company = $3, profile = $4 WHERE id = $1",
            (await self.contact(conversation))["id"], name, company, profile,
        )  # fmt: skip

    async def leave_behind(self, conversation: ConversationId, text: str) -> None:
        """A message stored by an intake that had looked its sender up before the merge."""
        message, now = new_id(), await self.pool.fetchval("SELECT clock_timestamp()")
        async with self.pool.acquire() as db, db.transaction():
            await db.execute(
                "INSERT INTO messages (id, conversation_id, direction, author, content, body, status)"
                " VALUES ($1, $2, 'inbound', 'contact', $3, $4, 'received')",
                message, conversation, {"kind": "text", "body": text}, text,
            )  # fmt: skip
            await db.execute(
                "INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, message_id,"
                " payload, sent_at) VALUES ($1, $2, 'message', $3, $4, '{}', $5)",
                new_id(), f"late:{message}", conversation, message, now,
            )  # fmt: skip
            await db.execute(
                "UPDATE conversations SET unread_count = unread_count + 1, last_message_id = $2,"
                " last_message_at = $3 WHERE id = $1", conversation, message, now,
            )  # fmt: skip
            await db.execute(
                "INSERT INTO service_windows (contact_id, phone_number_id, open_until)"
                " SELECT contact_id, $2, now() + interval '24 hours' FROM conversations WHERE id = $1",
                conversation, FACADE,
            )  # fmt: skip

    async def operator(self) -> Acting:
        operator = OperatorId(new_id())
        await self.pool.execute(
            "INSERT INTO operators (id, email, name, role, password_hash)"
            " VALUES ($1, $2, 'Bia', 'supervisor', '')", operator, f"{operator}@x.example",
        )  # fmt: skip
        name = f"operator/{operator}"
        return Acting(operator_id=operator, audit_name=name, row_scope=None, at=NOW)

    async def second_facade(self) -> str:
        """Another face of the same account, with a number of its own."""
        facade, number = new_id(), "106000000000009"
        await self.pool.execute(
            "INSERT INTO facades (id, account_id, name, display_phone)"
            " SELECT $1, id, 'Outra Loja', '551130009999' FROM accounts WHERE waba_id = $2",
            facade, WABA,
        )  # fmt: skip
        await self.pool.execute(
            "INSERT INTO physical_numbers (phone_number_id, account_id, facade_id, display_phone)"
            " SELECT $1, account_id, id, '551130009999' FROM facades WHERE id = $2", number, facade,
        )  # fmt: skip
        return number

    # ---- at the same time

    async def started(self, core: ConversationCore) -> asyncio.Task[Standing]:
        """The core at work, once its model was asked."""
        asked = len(self.world.agent.asked)
        task = asyncio.ensure_future(core.run())
        async with asyncio.timeout(10):
            while len(self.world.agent.asked) == asked:  # noqa: ASYNC110 - the fake tells nobody
                await asyncio.sleep(0.01)
        return task

    async def waits(self, waiting: int = 1) -> None:
        """Until so many statements wait for a lock."""
        async with asyncio.timeout(10):
            while waiting > await self.pool.fetchval(  # noqa: ASYNC110 - PostgreSQL tells nobody
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ):
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def held(self, statement: str, *args: object) -> AsyncIterator[Any]:
        """Runs it in a transaction that ends with the block."""
        async with self.pool.acquire() as db, db.transaction():
            await db.execute(statement, *args)
            yield db


async def some_twins(pool: asyncpg.Pool, *texts: str) -> Twins:
    """Texts that begin with `k` are written by the one with the BSUID, the others by phone."""
    found: dict[bool, ConversationId] = {}
    for text in texts or ("oi do telefone", "k: oi do id"):
        by_id = text.startswith("k")
        sender: dict[str, Any] = {"wa_id": None, "bsuid": BSUID} if by_id else {"wa_id": PHONE}
        found[by_id] = where(await store(pool, inbound(text.removeprefix("k: "), **sender)))
    world = World(pool, rules={"quiet": QUICK})
    return Twins(pool=pool, world=world, kept=found[True], gone=found[False])


def where(receipt: Receipt) -> ConversationId:
    """The conversation of its first event."""
    found = receipt.events[0].conversation_id
    assert found is not None
    return ConversationId(UUID(str(found)))


def _journalled(conversation: Conversation) -> TurnRecord:
    return TurnRecord(
        id=TurnId(new_id()), state=TurnState.COMMITTED, playbook="sales", inputs=(), context={},
        reply=None, model_calls=(), tools=(), guardrails=(), input_tokens=0, output_tokens=0,
        cache_read_tokens=0, cache_write_tokens=0, cost_micros=0, latency={}, outcome="answered",
        actor={}, started_at=conversation.db_now,
    )  # fmt: skip


async def work(world: World, conversation: ConversationId) -> None:
    """Works the conversation until it has nothing more to do."""
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    async with asyncio.timeout(20):
        await core.run()
