"""The tables a conversation's life is written to, in memory, with the meaning of storage/schema.sql.

The fakes of the stores beside this file work on it; tests/contracts holds them equal to PostgreSQL.
Every operation of theirs is one step without an await: what in PostgreSQL is one transaction.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.conversation import GUIDANCE
from domain.delivery import RANK, DeliveryStatus
from domain.ids import (
    ContactId,
    ConversationId,
    FacadeId,
    OperatorId,
    PhysicalNumberId,
    new_id,
)
from domain.outbox import OutboxState
from routing.identity import BSUID, PHONE, IdentityKey
from tests.fakes.tables import (
    AttemptTable,
    ConsentTable,
    ContactTable,
    ConversationTable,
    DecisionTable,
    EventTable,
    HandoffTable,
    MessageTable,
    NumberTable,
    OutboxTable,
    StatusTable,
    TimerTable,
    TurnTable,
)

SUPERSEDES = frozenset({"message", *GUIDANCE})
UNSETTLED = frozenset({OutboxState.QUEUED, OutboxState.CLAIMED, OutboxState.UNKNOWN})
_DID_NOT_LEAVE = frozenset({"failed", "parked", "withdrawn"})


#: Told of what happened, with the row it happened to; a model's invariants listen here.
Watcher = Callable[[str, Any], None]


class FakeDatabase:
    """`now` is the database's clock."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = now
        self._passed = timedelta(0)
        self.watch: Watcher = lambda _what, _row: None
        self.facade_id = FacadeId(new_id())
        self.contacts: dict[ContactId, ContactTable] = {}
        self.consents: dict[ContactId, list[ConsentTable]] = defaultdict(list)
        self.identities: dict[IdentityKey, ContactId] = {}
        self.conversations: dict[ConversationId, ConversationTable] = {}
        self.conversation_of: dict[ContactId, ConversationId] = {}
        self.dedupe_keys: set[str] = set()
        self.events: dict[ConversationId, list[EventTable]] = defaultdict(list)
        self.messages: dict[ConversationId, list[MessageTable]] = defaultdict(list)
        self.message_by_id: dict[UUID, MessageTable] = {}
        self.message_by_wamid: dict[str, MessageTable] = {}
        self.statuses: dict[int, StatusTable] = {}
        self.unapplied: dict[int, StatusTable] = {}
        self.outbox: dict[UUID, OutboxTable] = {}
        self.outbox_of: dict[ConversationId, list[OutboxTable]] = defaultdict(list)
        self.row_of_message: dict[UUID, OutboxTable] = {}
        self.attempts: dict[UUID, AttemptTable] = {}
        self.decisions: dict[UUID, DecisionTable] = {}
        self.timers: dict[UUID, TimerTable] = {}
        self.handoffs: dict[ConversationId, list[HandoffTable]] = defaultdict(list)
        self.turns: dict[UUID, TurnTable] = {}
        self.notes: dict[ConversationId, list[tuple[str, str, datetime]]] = defaultdict(list)
        self.calls: dict[ConversationId, list[tuple[str, datetime]]] = defaultdict(list)
        self.windows: dict[tuple[ContactId, str], datetime] = {}
        self.numbers: dict[str, NumberTable] = {}
        self.operators: dict[OperatorId, str] = {}
        #: What an owner lease is judged by; a conversation without facts is whoever's asks.
        self.shards: dict[ConversationId, int] = {}
        self.leases: dict[str, UUID] = {}
        self.switches: set[str] = set()
        self.audit: list[tuple[str, str, Mapping[str, Any]]] = []
        self._seqs = {name: itertools.count(1) for name in ("event", "message", "status", "outbox")}

    def now(self) -> datetime:
        return self._clock() + self._passed

    def age(self, by: timedelta) -> None:
        """Everything that is written was written that much earlier."""
        self._passed += by

    def seq(self, table: str) -> int:
        """Drawn where the insert stands, which may be before its transaction is seen by others."""
        return next(self._seqs[table])

    # ---- rows

    def add_contact(
        self, wa_id: str | None = None, *, bsuid: str | None = None, **more: Any
    ) -> ConversationTable:
        contact = ContactTable(id=ContactId(new_id()), **more)
        self.contacts[contact.id] = contact
        for kind, value in ((PHONE, wa_id), (BSUID, bsuid)):
            if value is not None:
                self.attach(contact.id, (kind, value))
        conversation = ConversationTable(
            id=ConversationId(new_id()), facade_id=self.facade_id, contact_id=contact.id
        )
        self.conversations[conversation.id] = conversation
        self.conversation_of[contact.id] = conversation.id
        return conversation

    def attach(self, contact_id: ContactId, key: IdentityKey) -> None:
        contact, (kind, value) = self.contacts[contact_id], key
        self.identities[key] = contact_id
        if kind == PHONE:
            contact.wa_id = value
        else:
            contact.bsuid = value

    def release(self, key: IdentityKey) -> None:
        """Whoever was called that is not any more; decisions about them are over."""
        owner = self.identities.pop(key, None)
        if owner is None:
            return
        contact, (kind, value) = self.contacts[owner], key
        contact.contactability_version += 1
        if kind == PHONE and contact.wa_id == value:
            contact.wa_id = None
        elif kind == BSUID and contact.bsuid == value:
            contact.bsuid = None

    def add_number(self, number: str) -> None:
        self.numbers[number] = NumberTable(phone_number_id=PhysicalNumberId(number))

    def add_event(self, event: EventTable) -> bool:
        """False when its update had been stored before."""
        if event.dedupe_key in self.dedupe_keys:
            return False
        self.dedupe_keys.add(event.dedupe_key)
        events = self.events[event.conversation_id]
        events.append(event)
        if len(events) > 1 and events[-2].seq > event.seq:
            events.sort(key=lambda e: e.seq)
        self.watch("event", event)
        return True

    def file(
        self,
        kind: str,
        conversation_id: ConversationId,
        key: str,
        payload: Mapping[str, Any],
        at: datetime | None = None,
    ) -> bool:
        """An event that came from inside."""
        return self.add_event(
            EventTable(
                seq=self.seq("event"),
                id=new_id(),
                dedupe_key=key,
                kind=kind,
                conversation_id=conversation_id,
                payload=payload,
                sent_at=at or self.now(),
                received_at=self.now(),
            )
        )

    def add_message(self, message: MessageTable) -> bool:
        """False when a message with this wamid is there."""
        if message.wamid is not None:
            if message.wamid in self.message_by_wamid:
                return False
            self.message_by_wamid[message.wamid] = message
        self.messages[message.conversation_id].append(message)
        self.message_by_id[message.id] = message
        return True

    def add_row(self, row: OutboxTable) -> None:
        self.outbox[row.id] = row
        self.outbox_of[row.conversation_id].append(row)
        self.row_of_message[row.message_id] = row
        self.watch("queued", row)

    # ---- what several stores do

    def pending(self, conversation_id: ConversationId) -> list[EventTable]:
        return [e for e in self.events[conversation_id] if e.worked_at is None]

    def wake(self, conversation_id: ConversationId) -> None:
        """What was left waiting is looked at again."""
        for event in self.pending(conversation_id):
            event.left_at = None

    def is_newer(self, conversation_id: ConversationId, seq: int) -> bool:
        """A message or a person's guidance: what supersedes a draft."""
        return any(e.seq > seq and e.kind in SUPERSEDES for e in self.pending(conversation_id))

    def rows(self, conversation_id: ConversationId, *states: str) -> Iterator[OutboxTable]:
        return (r for r in self.outbox_of[conversation_id] if r.state in states)

    def move(self, message_id: UUID, status: str, error: Mapping[str, Any] | None = None) -> None:
        message = self.message_by_id[message_id]
        before, message.status = message.status, status
        message.error = error
        self.watch("status", (message, before))

    def withdraw(self, row: OutboxTable, reason: str) -> None:
        row.state, row.reason, row.settled_at = OutboxState.WITHDRAWN, reason, self.now()
        self.move(row.message_id, "withdrawn", {"reason": reason})

    def withdraw_rest(self, failed: OutboxTable) -> None:
        """The later bubbles of a turn whose earlier one did not leave."""
        for row in list(self.rows(failed.conversation_id, OutboxState.QUEUED)):
            if row.turn_id is not None and row.turn_id == failed.turn_id and row.seq > failed.seq:
                self.withdraw(row, "earlier_bubble_failed")

    def file_not_sent(self, row: OutboxTable, reason: str) -> None:
        """`file_not_sent_v1`: told to the conversation once for each row and reason."""
        payload = {"outbox_id": str(row.id), "message_id": str(row.message_id), "reason": reason}
        self.file("send_failed", row.conversation_id, f"{reason}:{row.id}", payload)

    def fence_by_echo(self, row: ConversationTable) -> None:
        """A new answer from the phone app is a person's act: with it `fence_by_echo_v1`."""
        row.epoch += 1
        row.version += 1
        row.mode = "operator"
        for draft in list(self.rows(row.id, OutboxState.QUEUED)):
            if draft.author == "agent":
                self.withdraw(draft, "fenced")
        handoff = self.open_handoff(row.id)
        if handoff is not None and handoff.state == "queued":
            handoff.state = "accepted"
        self.audit.append(("system", "conversation.takeover", {"epoch": row.epoch, "by": "echo"}))
        self.watch("acted", row)

    def ai_was_put(self, contact_id: ContactId, state: str) -> bool:
        """`ai_was_put_v1`: whether the question or notice left, or still may."""
        put = [
            self.message_by_id[c.asked_message_id].status not in _DID_NOT_LEAVE
            for c in self.consents[contact_id]
            if c.state == state and c.asked_message_id is not None
        ]
        return any(put) if put else True

    def consent_of(self, contact_id: ContactId) -> str:
        """`ai_consent_v1`: who was to be asked or told by a message that did not leave was not."""
        state = self.contacts[contact_id].ai_consent
        lost = state in {"asked", "noticed"} and not self.ai_was_put(contact_id, state)
        return "none" if lost else state

    def spoken(self, contact_id: ContactId) -> tuple[int, int]:
        """AI messages that were claimed for this contact in the last hour and day."""
        claims = [
            row.claimed_at
            for row in self.outbox_of[self.conversation_of[contact_id]]
            if row.author == "agent" and row.claimed_at is not None
        ]
        hour, day = self.now() - timedelta(hours=1), self.now() - timedelta(days=1)
        return sum(at > hour for at in claims), sum(at > day for at in claims)

    def open_handoff(self, conversation_id: ConversationId) -> HandoffTable | None:
        return next((h for h in self.handoffs[conversation_id] if h.is_open), None)

    def window_is_open(self, contact_id: ContactId, number: str | None) -> bool:
        until = self.windows.get((contact_id, number or ""))
        return until is not None and until > self.now()


def rank(status: str) -> int:
    return RANK[DeliveryStatus(status)]
