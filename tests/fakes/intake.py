"""storage/intake.py and storage/admission.py in memory, for one façade and no parent BSUIDs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.content import content_to_json, text_of
from domain.ids import ContactId, ConversationId, MessageId, PhysicalNumberId, new_id
from domain.inbound import AppEcho, IdentityChange, InboundItem, InboundMessage, StatusUpdate
from routing.identity import (
    BSUID,
    PHONE,
    IdentityKey,
    KnownIdentity,
    Resolution,
    resolve_change,
    resolve_sender,
)
from storage.receipts import Receipt, Received, StoredEvent
from tests.fakes.database import FakeDatabase
from tests.fakes.merge import merge_contacts
from tests.fakes.tables import ConversationTable, EventTable, MessageTable, StatusTable

Sent = InboundMessage | AppEcho | IdentityChange
_AUTHORS = {"message": "contact", "echo": "operator", "identity": "system"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who an item is from or to; `renewed`: what a notice says they are called from now on."""

    phone: str | None
    bsuid: str | None
    name: str = ""
    renewed: tuple[IdentityKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An item with its arrival number, and the conversation of whom nothing new has to be written."""

    seq: int
    item: Sent | StatusUpdate
    conversation_id: ConversationId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    drawn: tuple[Drawn, ...]
    #: Fenced by the merges before it.
    merged: tuple[ConversationId, ...]


class FakeIntake:
    """What `begin` looked up and drew is written by `commit`: two intakes, or one and a merge, may cross."""

    def __init__(self, db: FakeDatabase) -> None:
        self._db = db

    async def store(self, requests: Sequence[Received]) -> Receipt:
        return self.commit(self.begin(requests))

    def begin(self, requests: Sequence[Received]) -> Flush:
        """Merges who turns out to be known twice; then every item with what its insert needs."""
        items = [item for request in requests for item in request.items]
        merged = tuple(c for item in items if self._is_fresh(item) for c in self._merge(item))
        return Flush(drawn=tuple(self._draw(item) for item in items), merged=merged)

    def _draw(self, item: InboundItem) -> Drawn:
        if isinstance(item, StatusUpdate):
            return Drawn(seq=self._db.seq("status"), item=item)
        if isinstance(item, (InboundMessage, AppEcho, IdentityChange)):
            owner = self._settled(_person(item))
            return Drawn(seq=self._db.seq("event"), item=item, conversation_id=owner)
        raise NotImplementedError(item.kind)

    def _is_fresh(self, item: InboundItem) -> bool:
        """What Meta only repeats moves nobody: it has moved what it says."""
        return item.dedupe_key not in self._db.dedupe_keys

    def commit(self, flush: Flush) -> Receipt:
        events: list[StoredEvent] = []
        echoes: dict[ConversationId, int] = {}
        statuses: list[int] = []
        renewing: list[Sent] = []
        merged = list(flush.merged)
        for drawn in flush.drawn:
            seq, item = drawn.seq, drawn.item
            if isinstance(item, StatusUpdate):
                if self._store_status(seq, item):
                    statuses.append(seq)
                continue
            if not self._is_fresh(item):
                continue
            renewing.append(item)
            owner = drawn.conversation_id
            if owner is None:
                merged += self._admit(_person(item))
                owner = self._owner(_person(item))
            if (stored := self._store_event(seq, item, owner)) is not None:
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
        for item in renewing:
            self._renew(item)
        return Receipt(
            events=tuple(events), statuses=tuple(statuses), merged=tuple(merged), counts=counts
        )

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

    def _store_event(self, seq: int, item: Sent, owner: ConversationId) -> StoredEvent | None:
        db, row = self._db, self._db.conversations[owner]
        inbound, noted = isinstance(item, InboundMessage), isinstance(item, IdentityChange)
        sent_at = item.at if isinstance(item, IdentityChange) else item.sent_at
        reply_to = None if isinstance(item, IdentityChange) else item.reply_to_wamid
        message_id = MessageId(new_id())
        event = EventTable(
            seq=seq,
            id=new_id(),
            dedupe_key=item.dedupe_key,
            kind=item.kind,
            conversation_id=row.id,
            payload={"reply_to_wamid": reply_to},
            sent_at=sent_at,
            received_at=db.now(),
            worked_at=db.now() if noted else None,
            outcome="noted" if noted else None,
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
                author=_AUTHORS[item.kind],
                content=content,
                body=text_of(item.content),
                status="received" if inbound else "sent",
                sent_at=sent_at,
                wamid=item.wamid,
                reply_to_wamid=reply_to,
                phone_number_id=_number(item),
            )
        )
        row.last_message_at = db.now()
        if isinstance(item, InboundMessage):
            self._open_window(row, item)
        return StoredEvent(
            seq=seq,
            kind=item.kind,
            id=event.id,
            conversation_id=row.id,
            message_id=message_id,
            wamid=item.wamid,
            outcome=event.outcome,
        )

    def _fence(self, conversation_id: ConversationId, seq: int) -> None:
        row = self._db.conversations[conversation_id]
        row.handled_up_to = max(row.handled_up_to, seq)
        self._db.fence_by_echo(row)

    def _open_window(self, row: ConversationTable, item: InboundMessage) -> None:
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

    # ---- who wrote

    def _known(self, *keys: IdentityKey) -> dict[IdentityKey, KnownIdentity]:
        owners = {key: self._db.identities[key] for key in keys if key in self._db.identities}
        return {
            key: KnownIdentity(contact_id=owner, bsuid=self._db.contacts[owner].bsuid)
            for key, owner in owners.items()
        }

    def _resolve(self, person: Person) -> Resolution:
        keys = [(kind, v) for kind, v in ((PHONE, person.phone), (BSUID, person.bsuid)) if v]
        return resolve_sender(
            phone=person.phone, bsuid=person.bsuid, parent_bsuid=None, known=self._known(*keys)
        )

    def _owner(self, person: Person) -> ConversationId:
        contact_id = self._resolve(person).contact_id
        assert contact_id is not None
        return self._db.conversation_of[ContactId(contact_id)]

    def _settled(self, person: Person) -> ConversationId | None:
        """None while something has to be written about this person."""
        found = self._resolve(person)
        if found.contact_id is None or found.attach or found.release or person.renewed:
            return None
        nameless = person.name and not self._db.contacts[ContactId(found.contact_id)].name
        return None if nameless else self._owner(person)

    def _merge(self, item: InboundItem) -> tuple[ConversationId, ...]:
        """The conversations fenced because this item shows two contacts to be one person."""
        if not isinstance(item, (InboundMessage, AppEcho, IdentityChange)):
            return ()
        person = _person(item)
        found = self._resolve(person)
        if found.merge_from is not None:
            return self._admit(person)
        new = next((value for kind, value in person.renewed if kind == BSUID), None)
        if found.contact_id is None or new is None:
            return ()
        known = self._known((BSUID, new))
        twin = resolve_change(contact_id=found.contact_id, new_bsuid=new, known=known)
        if twin is None:
            return ()
        return merge_contacts(self._db, kept=ContactId(found.contact_id), gone=ContactId(twin))

    def _admit(self, person: Person) -> tuple[ConversationId, ...]:
        """Writes what is new about a person; the conversations fenced if they were two contacts."""
        db, found = self._db, self._resolve(person)
        merged: tuple[ConversationId, ...] = ()
        if found.contact_id is None:
            contact_id = db.add_contact(name=person.name).contact_id
        else:
            contact_id = ContactId(found.contact_id)
            if found.merge_from is not None:
                merged = merge_contacts(db, kept=contact_id, gone=ContactId(found.merge_from))
            db.contacts[contact_id].name = db.contacts[contact_id].name or person.name
        for key in found.release:
            db.release(key)
        for key in found.attach:
            db.attach(contact_id, key)
        return merged

    def _renew(self, item: Sent) -> None:
        """What a notice says replaces the old, whoever had it until now."""
        if not isinstance(item, IdentityChange):
            return
        person = _person(item)
        contact_id = self._db.conversations[self._owner(person)].contact_id
        for key in person.renewed:
            self._db.release(key)
            for old, owner in list(self._db.identities.items()):
                if owner == contact_id and old[0] == key[0]:
                    self._db.release(old)
            self._db.attach(contact_id, key)
        if person.renewed:
            self._db.contacts[contact_id].contactability_version += 1


def _person(item: Sent) -> Person:
    match item:
        case InboundMessage(sender=s):
            return Person(phone=s.wa_id, bsuid=s.bsuid, name=s.name or "")
        case AppEcho():
            return Person(phone=item.to_wa_id, bsuid=item.to_bsuid)
        case IdentityChange():
            new = {PHONE: item.new_wa_id}
            if item.bsuid != item.previous_bsuid:
                new[BSUID] = item.bsuid
            return Person(
                phone=item.old_wa_id,
                bsuid=item.previous_bsuid or item.bsuid,
                renewed=tuple((kind, value) for kind, value in new.items() if value),
            )


def _number(item: Sent) -> PhysicalNumberId | None:
    return PhysicalNumberId(item.phone_number_id) if item.phone_number_id else None


def _attempt(callback_data: str | None) -> UUID | None:
    try:
        return UUID(callback_data) if callback_data else None
    except ValueError:
        return None
