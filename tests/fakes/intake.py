"""storage/intake.py in memory, for people known by their phone and one façade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.content import content_to_json, text_of
from domain.ids import ConversationId, MessageId, PhysicalNumberId, new_id
from domain.inbound import AppEcho, InboundMessage, StatusUpdate
from domain.outbox import OutboxState
from storage.receipts import Receipt, Received, StoredEvent
from tests.fakes.database import FakeDatabase
from tests.fakes.tables import ConversationTable, EventTable, MessageTable, StatusTable

Parsed = list[tuple[int, InboundMessage | AppEcho | StatusUpdate]]


class FakeIntake:
    """Numbers are drawn by `begin` and seen by others after `commit`: two intakes may cross."""

    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def store(self, requests: Sequence[Received]) -> Receipt:
        return self.commit(self.begin(requests))

    def begin(self, requests: Sequence[Received]) -> Parsed:
        """Every item with the arrival number its insert draws."""
        drawn: Parsed = []
        for item in (i for request in requests for i in request.items):
            if isinstance(item, StatusUpdate):
                drawn.append((self._db.seq("status"), item))
            elif isinstance(item, (InboundMessage, AppEcho)):
                drawn.append((self._db.seq("event"), item))
            else:
                raise NotImplementedError(item.kind)
        return drawn

    def commit(self, drawn: Parsed) -> Receipt:
        events: list[StoredEvent] = []
        echoes: dict[ConversationId, int] = {}
        statuses: list[int] = []
        for seq, item in drawn:
            if isinstance(item, StatusUpdate):
                if self._store_status(seq, item):
                    statuses.append(seq)
            elif (stored := self._store_event(seq, item)) is not None:
                events.append(stored)
                if stored.kind == AppEcho.kind and stored.conversation_id is not None:
                    echoes[stored.conversation_id] = seq
        for conversation_id, seq in echoes.items():
            self._fence(conversation_id, seq)
        counts: dict[str, int] = {}
        for event in events:
            counts[event.kind] = counts.get(event.kind, 0) + 1
        if statuses:
            counts["status"] = len(statuses)
        return Receipt(events=tuple(events), statuses=tuple(statuses), counts=counts)

    def _store_status(self, seq: int, item: StatusUpdate) -> bool:
        db = self._db
        if item.dedupe_key in db.dedupe_keys:
            return False
        db.dedupe_keys.add(item.dedupe_key)
        row = StatusTable(
            seq=seq,
            dedupe_key=item.dedupe_key,
            wamid=item.wamid,
            status=item.status,
            attempt_id=_attempt(item.callback_data),
            at=item.at,
            payload=item.to_json(),
            received_at=db.now(),
        )
        db.statuses[seq] = db.unapplied[seq] = row
        return True

    def _store_event(self, seq: int, item: InboundMessage | AppEcho) -> StoredEvent | None:
        db = self._db
        inbound = isinstance(item, InboundMessage)
        row = self._conversation(item)
        message_id = MessageId(new_id())
        event = EventTable(
            seq=seq,
            id=new_id(),
            dedupe_key=item.dedupe_key,
            kind=item.kind,
            conversation_id=row.id,
            payload={"reply_to_wamid": item.reply_to_wamid},
            sent_at=item.sent_at,
            received_at=db.now(),
            phone_number_id=_number(item),
            wamid=item.wamid,
            message_id=message_id,
        )
        if not db.add_event(event):
            return None
        content: Any = content_to_json(item.content)
        db.add_message(
            MessageTable(
                seq=db.seq("message"),
                id=message_id,
                conversation_id=row.id,
                direction="inbound" if inbound else "outbound",
                author="contact" if inbound else "operator",
                content=content,
                body=text_of(item.content),
                status="received" if inbound else "sent",
                sent_at=item.sent_at,
                wamid=item.wamid,
                reply_to_wamid=item.reply_to_wamid,
                phone_number_id=_number(item),
            )
        )
        if inbound:
            self._open_window(row, item)
        return StoredEvent(
            seq=seq,
            kind=item.kind,
            id=event.id,
            conversation_id=row.id,
            message_id=message_id,
            wamid=item.wamid,
            outcome=None,
        )

    def _fence(self, conversation_id: ConversationId, seq: int) -> None:
        """A new answer from the phone app is a person's act: `fence_by_echo_v1` and what STORE does."""
        db, row = self._db, self._db.conversations[conversation_id]
        row.epoch += 1
        row.version += 1
        row.mode = "operator"
        row.handled_up_to = max(row.handled_up_to, seq)
        for draft in list(db.rows(row.id, OutboxState.QUEUED)):
            if draft.author == "agent":
                db.withdraw(draft, "fenced")
        handoff = db.open_handoff(row.id)
        if handoff is not None and handoff.state == "queued":
            handoff.state = "accepted"
        db.audit.append(("system", "conversation.takeover", {"epoch": row.epoch, "by": "echo"}))
        db.watch("acted", row)

    def _open_window(self, row: ConversationTable, item: InboundMessage | AppEcho) -> None:
        db, number = self._db, _number(item)
        row.unread_count += 1
        if number is None:
            return
        if number != row.sticky_number:
            row.sticky_reason = "o cliente escreveu para este número"
        row.last_inbound_number = row.sticky_number = number
        until = min(item.sent_at, db.now()) + timedelta(hours=24)
        key = (row.contact_id, str(number))
        db.windows[key] = max(until, db.windows.get(key, until))

    def _conversation(self, item: InboundMessage | AppEcho) -> ConversationTable:
        wa_id = item.sender.wa_id if isinstance(item, InboundMessage) else item.to_wa_id
        assert wa_id is not None, "the fake knows people by their phone"
        contact_id = self._db.by_wa_id.get(wa_id)
        if contact_id is not None:
            return self._db.conversations[self._db.conversation_of[contact_id]]
        name = (item.sender.name or "") if isinstance(item, InboundMessage) else ""
        return self._db.add_contact(wa_id, name=name)


def _number(item: InboundMessage | AppEcho) -> PhysicalNumberId | None:
    return PhysicalNumberId(item.phone_number_id) if item.phone_number_id else None


def _attempt(callback_data: str | None) -> UUID | None:
    try:
        return UUID(callback_data) if callback_data else None
    except ValueError:
        return None
