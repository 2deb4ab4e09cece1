"""One set of stores on PostgreSQL and one in memory, seen through the same window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from actors.clock.core import Timers, Unworked
from actors.conversation.ports import Conversations, MergedAway
from actors.sender.keeper import SettledOutbox, StatusPort
from actors.sender.ports import OutboxPort
from domain.ids import (
    AttemptId,
    ContactId,
    ConversationId,
    OperatorId,
    OutboxId,
    PhysicalNumberId,
    TimerId,
    new_id,
)
from domain.outbox import Claim, Lane
from storage.conversations import ConversationStore
from storage.human_actions import Acting, HumanActions
from storage.merge import Merges
from storage.outbox import Outbox
from storage.receipts import Receipt
from storage.statuses import StatusStore
from storage.timers import TimerStore
from tests.fakes.conversations import FakeConversations
from tests.fakes.database import FakeDatabase
from tests.fakes.human_actions import FakeHumanActions
from tests.fakes.intake import FakeIntake
from tests.fakes.merge import FakeMerges
from tests.fakes.outbox import FakeOutbox
from tests.fakes.statuses import FakeStatuses
from tests.fakes.tables import DecisionTable, EventTable, MessageTable, OutboxTable, TimerTable
from tests.fakes.timers import FakeTimers
from tests.house import FACADE, SECOND, inbound, intake_of, received

WA_ID = "5531988887777"


class ConversationsPort(Conversations, Unworked, Protocol):
    """Both callers of the store."""


class OutboxStorePort(OutboxPort, SettledOutbox, Protocol):
    """Both callers of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An outbox row with its message, as a test looks at it."""

    id: OutboxId
    message_id: UUID
    author: str
    epoch: int
    state: str
    reason: str
    attempts: int
    possible_duplicate: bool
    settled: bool
    shown: str


class Desk(Protocol):
    """A house with one contact who has consented; `age` lets time pass for all that is written."""

    conversations: ConversationsPort
    outbox: OutboxStorePort
    statuses: StatusPort
    acts: Any
    timers: Timers
    merges: MergedAway

    async def age(self, by: timedelta) -> None: ...
    async def store(self, *changes: dict[str, Any]) -> Receipt: ...
    async def rows(self, conversation_id: ConversationId) -> list[Row]: ...
    async def events(self, conversation_id: ConversationId) -> list[tuple[str, str | None]]: ...
    async def operator(self) -> Acting: ...
    async def handoffs(self, conversation_id: ConversationId) -> list[tuple[str, str, str]]: ...
    async def turns(self) -> list[tuple[str, int]]: ...
    async def cost(self, conversation_id: ConversationId) -> int: ...
    async def switch(self, name: str, *, on: bool) -> None: ...
    async def set_consent(self, state: str) -> None: ...
    async def raise_contactability(self) -> None: ...
    async def number_is(self, health: str) -> None: ...
    async def number_only_replies(self) -> None: ...
    async def add_timer(self, conversation_id: ConversationId, key: str, due: datetime) -> None: ...
    async def add_campaign_row(
        self, conversation_id: ConversationId, *, valid: timedelta
    ) -> OutboxId: ...
    async def leave_behind(self, conversation_id: ConversationId, text: str, kind: str) -> None: ...
    async def timers_of(self, conversation_id: ConversationId) -> list[tuple[str, datetime]]: ...
    async def now(self) -> datetime: ...


async def a_conversation(desk: Desk, *texts: str) -> ConversationId:
    """The contact's conversation with these messages pending; they have consented."""
    conversation_id: ConversationId | None = None
    for text in texts or ("Quanto custa?",):
        receipt = await desk.store(inbound(text, wa_id=WA_ID, at=await desk.now()))
        conversation_id = receipt.events[0].conversation_id
    assert conversation_id is not None
    await desk.set_consent("granted")
    return conversation_id


async def claim(
    desk: Desk, row: ConversationId, number: str = FACADE, *, begun: bool = False
) -> tuple[Claim, AttemptId]:
    """Asks for the next message, having paced it by this number; `begun`: as what we begin."""
    attempt = AttemptId(new_id())
    lane = Lane(
        phone_number_id=PhysicalNumberId(number),
        contact_id=ContactId(new_id()),
        messages_per_second=80,
        business_initiated=begun,
    )
    return await desk.outbox.claim_next(row, attempt, lane=lane, sender="test"), attempt


class PostgresDesk:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.conversations: ConversationsPort = ConversationStore(pool)
        self.outbox: OutboxStorePort = Outbox(pool)
        self.statuses: StatusPort = StatusStore(pool)
        self.acts: Any = HumanActions(pool)
        self.timers: Timers = TimerStore(pool)
        self.merges: MergedAway = Merges(pool)
        self._intake = intake_of(pool)

    async def age(self, by: timedelta) -> None:
        columns = await self._pool.fetch(
            "SELECT table_name, string_agg(format('%1$I = %1$I - $1::interval', column_name), ', ') AS sets"
            "  FROM information_schema.columns JOIN information_schema.tables USING (table_name)"
            " WHERE tables.table_schema = 'public' AND table_type = 'BASE TABLE'"
            "   AND data_type = 'timestamp with time zone' AND table_name <> 'audit'"
            " GROUP BY table_name"
        )
        for table in columns:
            await self._pool.execute(f"UPDATE {table['table_name']} SET {table['sets']}", by)  # noqa: S608

    async def now(self) -> datetime:
        now: datetime = await self._pool.fetchval("SELECT clock_timestamp()")
        return now

    async def store(self, *changes: dict[str, Any]) -> Receipt:
        return await self._intake.store([received(*changes)])

    async def rows(self, conversation_id: ConversationId) -> list[Row]:
        found = await self._pool.fetch(
            "SELECT o.id, o.message_id, o.author, o.epoch, o.state, o.reason, o.attempts,"
            " o.possible_duplicate, o.settled_at IS NOT NULL AS settled, m.status AS shown"
            " FROM outbox o JOIN messages m ON m.id = o.message_id"
            " WHERE o.conversation_id = $1 ORDER BY o.seq",
            conversation_id,
        )
        return [Row(**dict(row)) for row in found]

    async def events(self, conversation_id: ConversationId) -> list[tuple[str, str | None]]:
        found = await self._pool.fetch(
            "SELECT kind, CASE WHEN worked_at IS NOT NULL THEN outcome END AS outcome"
            " FROM inbound_events WHERE conversation_id = $1 ORDER BY seq",
            conversation_id,
        )
        return [(row["kind"], row["outcome"]) for row in found]

    async def operator(self) -> Acting:
        operator = OperatorId(new_id())
        await self._pool.execute(
            "INSERT INTO operators (id, email, name, role, password_hash)"
            " VALUES ($1, $2, 'Bia', 'supervisor', '')",
            operator, f"{operator}@x.example",
        )  # fmt: skip
        return Acting(operator_id=operator, audit_name="Bia", row_scope=None, at=await self.now())

    async def handoffs(self, conversation_id: ConversationId) -> list[tuple[str, str, str]]:
        found = await self._pool.fetch(
            "SELECT reason, priority, state FROM handoffs WHERE conversation_id = $1"
            " ORDER BY queued_at",
            conversation_id,
        )
        return [tuple(row) for row in found]

    async def turns(self) -> list[tuple[str, int]]:
        found = await self._pool.fetch(
            "SELECT state, jsonb_array_length(inputs) FROM turns ORDER BY finished_at"
        )
        return [tuple(row) for row in found]

    async def cost(self, conversation_id: ConversationId) -> int:
        cost: int = await self._pool.fetchval(
            "SELECT cost_micros FROM conversations WHERE id = $1", conversation_id
        )
        return cost

    async def switch(self, name: str, *, on: bool) -> None:
        if on:
            await self._pool.execute("INSERT INTO switches (name, set_by) VALUES ($1, 't')", name)
        else:
            await self._pool.execute("DELETE FROM switches WHERE name = $1", name)

    async def set_consent(self, state: str) -> None:
        await self._pool.execute("UPDATE contacts SET ai_consent = $1", state)

    async def raise_contactability(self) -> None:
        await self._pool.execute(
            "UPDATE contacts SET contactability_version = contactability_version + 1"
        )

    async def number_is(self, health: str) -> None:
        await self._pool.execute("UPDATE physical_numbers SET health = $1", health)

    async def number_only_replies(self) -> None:
        await self._pool.execute("UPDATE physical_numbers SET replies_only = true")

    async def add_timer(self, conversation_id: ConversationId, key: str, due: datetime) -> None:
        await self._pool.execute(
            "INSERT INTO timers (id, conversation_id, kind, key, due_at)"
            " VALUES ($1, $2, 'nudge', $3, $4)",
            new_id(), conversation_id, key, due,
        )  # fmt: skip

    async def add_campaign_row(
        self, conversation_id: ConversationId, *, valid: timedelta
    ) -> OutboxId:
        decision, message, row = new_id(), new_id(), OutboxId(new_id())
        content = {"kind": "template", "name": "aviso", "language": "pt_BR"}
        await self._pool.execute(
            "INSERT INTO governor_decisions (id, contact_id, purpose, allowed, reasons,"
            " contactability_version, valid_until) SELECT $2, c.contact_id, 'sales', true, '[]',"
            " p.contactability_version, clock_timestamp() + $3::interval FROM conversations c"
            " JOIN contacts p ON p.id = c.contact_id WHERE c.id = $1",
            conversation_id, decision, valid,
        )  # fmt: skip
        await self._pool.execute(
            "INSERT INTO messages (id, conversation_id, direction, author, content, status)"
            " VALUES ($2, $1, 'outbound', 'agent', $3, 'queued')",
            conversation_id, message, content,
        )  # fmt: skip
        await self._pool.execute(
            "INSERT INTO outbox (id, conversation_id, contact_id, message_id, author, epoch,"
            " content, business_initiated, decision_id, decision_allowed)"
            " SELECT $2, c.id, c.contact_id, $3, 'agent', c.epoch, $4, true, $5, true"
            " FROM conversations c WHERE c.id = $1",
            conversation_id, row, message, content, decision,
        )  # fmt: skip
        return row

    async def leave_behind(self, conversation_id: ConversationId, text: str, kind: str) -> None:
        """Stored by an intake that had looked its sender up before."""
        message = new_id()
        await self._pool.execute(
            "INSERT INTO messages (id, conversation_id, direction, author, content, body, status)"
            " VALUES ($1, $2, 'inbound', 'contact', $3, $4, 'received')",
            message, conversation_id, {"kind": "text", "body": text}, text,
        )  # fmt: skip
        await self._pool.execute(
            "INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, message_id, payload,"
            " sent_at) VALUES ($1, $2, $3, $4, $5, '{}', clock_timestamp())",
            new_id(), f"late:{message}", kind, conversation_id, message,
        )  # fmt: skip
        await self._pool.execute(
            "UPDATE conversations SET unread_count = unread_count + 1,"
            " last_message_at = clock_timestamp() WHERE id = $1", conversation_id,
        )  # fmt: skip

    async def timers_of(self, conversation_id: ConversationId) -> list[tuple[str, datetime]]:
        found = await self._pool.fetch(
            "SELECT key, due_at FROM timers WHERE conversation_id = $1 ORDER BY due_at",
            conversation_id,
        )
        return [tuple(row) for row in found]


class FakeDesk:
    def __init__(self) -> None:
        self._db = db = FakeDatabase()
        db.add_number(FACADE)
        db.add_number(SECOND)
        self.conversations: ConversationsPort = FakeConversations(db)
        self.outbox: OutboxStorePort = FakeOutbox(db)
        self.statuses: StatusPort = FakeStatuses(db)
        self.acts: Any = FakeHumanActions(db)
        self.timers: Timers = FakeTimers(db)
        self.merges: MergedAway = FakeMerges(db)
        self._intake = FakeIntake(db)

    async def age(self, by: timedelta) -> None:
        self._db.age(by)

    async def now(self) -> datetime:
        return self._db.now()

    async def store(self, *changes: dict[str, Any]) -> Receipt:
        return await self._intake.store([received(*changes)])

    async def rows(self, conversation_id: ConversationId) -> list[Row]:
        return [
            Row(
                id=OutboxId(row.id),
                message_id=row.message_id,
                author=row.author,
                epoch=row.epoch,
                state=str(row.state),
                reason=row.reason,
                attempts=row.attempts,
                possible_duplicate=row.possible_duplicate,
                settled=row.settled_at is not None,
                shown=str(self._db.message_by_id[row.message_id].status),
            )
            for row in self._db.outbox_of[conversation_id]
        ]

    async def events(self, conversation_id: ConversationId) -> list[tuple[str, str | None]]:
        return [
            (e.kind, e.outcome if e.worked_at else None) for e in self._db.events[conversation_id]
        ]

    async def operator(self) -> Acting:
        operator = OperatorId(new_id())
        self._db.operators[operator] = "Bia"
        return Acting(operator_id=operator, audit_name="Bia", row_scope=None, at=self._db.now())

    async def handoffs(self, conversation_id: ConversationId) -> list[tuple[str, str, str]]:
        return [(h.reason, h.priority, h.state) for h in self._db.handoffs[conversation_id]]

    async def turns(self) -> list[tuple[str, int]]:
        return [(str(t.state), len(t.inputs)) for t in self._db.turns.values()]

    async def cost(self, conversation_id: ConversationId) -> int:
        return self._db.conversations[conversation_id].cost_micros

    async def switch(self, name: str, *, on: bool) -> None:
        (self._db.switches.add if on else self._db.switches.discard)(name)

    async def set_consent(self, state: str) -> None:
        for contact in self._db.contacts.values():
            contact.ai_consent = state

    async def raise_contactability(self) -> None:
        for contact in self._db.contacts.values():
            contact.contactability_version += 1

    async def number_is(self, health: str) -> None:
        for number in self._db.numbers.values():
            number.health = health

    async def number_only_replies(self) -> None:
        for number in self._db.numbers.values():
            number.replies_only = True

    async def add_timer(self, conversation_id: ConversationId, key: str, due: datetime) -> None:
        timer = TimerTable(
            id=TimerId(new_id()), conversation_id=conversation_id, kind="nudge", key=key, due_at=due
        )
        self._db.timers[timer.id] = timer

    async def add_campaign_row(
        self, conversation_id: ConversationId, *, valid: timedelta
    ) -> OutboxId:
        db = self._db
        row = db.conversations[conversation_id]
        contact = db.contacts[row.contact_id]
        decision = DecisionTable(
            id=new_id(),
            contact_id=contact.id,
            contactability_version=contact.contactability_version,
            valid_until=db.now() + valid,
        )
        db.decisions[decision.id] = decision
        content: Mapping[str, Any] = {"kind": "template", "name": "aviso", "language": "pt_BR"}
        message = MessageTable(
            seq=db.seq("message"), id=new_id(), conversation_id=row.id, direction="outbound",
            author="agent", content=content, body="", status="queued", sent_at=db.now(),
        )  # fmt: skip
        db.add_message(message)
        outbox = OutboxTable(
            seq=db.seq("outbox"), id=new_id(), conversation_id=row.id, contact_id=contact.id,
            message_id=message.id, author="agent", epoch=row.epoch, content=content,
            business_initiated=True, decision_id=decision.id, not_before=db.now(),
            created_at=db.now(),
        )  # fmt: skip
        db.add_row(outbox)
        return OutboxId(outbox.id)

    async def leave_behind(self, conversation_id: ConversationId, text: str, kind: str) -> None:
        db, row = self._db, self._db.conversations[conversation_id]
        message = MessageTable(
            seq=db.seq("message"), id=new_id(), conversation_id=row.id, direction="inbound",
            author="contact", content={"kind": "text", "body": text}, body=text, status="received",
            sent_at=db.now(),
        )  # fmt: skip
        db.add_message(message)
        event = EventTable(
            seq=db.seq("event"), id=new_id(), dedupe_key=f"late:{message.id}", kind=kind,
            conversation_id=row.id, payload={}, sent_at=db.now(), received_at=db.now(),
            message_id=message.id,
        )  # fmt: skip
        db.add_event(event)
        row.unread_count += 1
        row.last_message_at = db.now()

    async def timers_of(self, conversation_id: ConversationId) -> list[tuple[str, datetime]]:
        timers = [t for t in self._db.timers.values() if t.conversation_id == conversation_id]
        return sorted(((t.key, t.due_at) for t in timers), key=lambda timer: timer[1])
