"""The durable inbox: everything a webhook brought is stored once, before it is answered 200.

A flush stores many requests in two round trips: one that finds who wrote, one statement that
inserts bodies, events, messages, statuses and windows. Only new people cost more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.content import content_to_json, text_of
from domain.ids import ConversationId, MessageId, new_id
from domain.inbound import (
    AppEcho,
    IdentityChange,
    InboundItem,
    InboundMessage,
    StatusUpdate,
)
from domain.phone import canonical
from domain.tracking import tracking_code
from routing.identity import resolve_sender
from storage import identities
from storage.identities import Known, Person
from storage.lines import Lines

STORE: Final[LiteralString] = """
WITH bodies AS (
    INSERT INTO webhook_bodies (id, body) SELECT * FROM unnest($1::uuid[], $2::bytea[])
), incoming AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($3::jsonb) AS e(ord int, id uuid, dedupe_key text, kind text,
        conversation_id uuid, contact_id uuid, phone_number_id text, waba_id text, wamid text,
        message_id uuid, body_id uuid, payload jsonb, sent_at timestamptz, outcome text,
        content jsonb, body text, reply_to_wamid text, author text)
), stored AS (
    INSERT INTO inbound_events (id, dedupe_key, kind, conversation_id, phone_number_id, waba_id,
        wamid, message_id, body_id, payload, sent_at, outcome, worked_at)
    SELECT id, dedupe_key, kind, conversation_id, phone_number_id, waba_id, wamid, message_id,
           body_id, payload, sent_at, outcome, CASE WHEN outcome IS NOT NULL THEN clock_timestamp() END
      FROM incoming ORDER BY ord
    ON CONFLICT (dedupe_key) DO NOTHING RETURNING seq, id
), fresh AS MATERIALIZED (
    SELECT i.*, s.seq FROM incoming i JOIN stored s ON s.id = i.id
), shown AS (
    INSERT INTO messages (id, conversation_id, direction, author, content, body, wamid,
        reply_to_wamid, phone_number_id, status, status_at, sent_at)
    SELECT message_id, conversation_id, CASE author WHEN 'contact' THEN 'inbound' ELSE 'outbound' END,
           author, content, body, wamid, reply_to_wamid, phone_number_id,
           CASE author WHEN 'contact' THEN 'received' ELSE 'sent' END, sent_at, sent_at
      FROM fresh WHERE message_id IS NOT NULL ORDER BY ord
    ON CONFLICT (wamid) DO NOTHING
), latest AS MATERIALIZED (
    SELECT conversation_id, count(*) FILTER (WHERE author = 'contact') AS unread,
           (array_agg(message_id ORDER BY ord DESC))[1] AS message_id,
           (array_agg(phone_number_id ORDER BY ord DESC)
               FILTER (WHERE author = 'contact'))[1] AS phone_number_id
      FROM fresh WHERE message_id IS NOT NULL GROUP BY conversation_id
), locked AS MATERIALIZED (
    SELECT c.id FROM conversations c WHERE c.id IN (SELECT conversation_id FROM latest)
     ORDER BY c.id FOR NO KEY UPDATE
), touched AS (
    UPDATE conversations c SET updated_at = clock_timestamp(), last_message_at = clock_timestamp(),
           last_message_id = l.message_id, unread_count = c.unread_count + l.unread,
           last_inbound_number = coalesce(l.phone_number_id, c.last_inbound_number)
      FROM latest l JOIN locked k ON k.id = l.conversation_id WHERE c.id = l.conversation_id
), windows AS (
    INSERT INTO service_windows (contact_id, phone_number_id, open_until)
    SELECT contact_id, phone_number_id,
           max(least(sent_at, clock_timestamp())) + interval '24 hours'
      FROM fresh WHERE kind = 'message' AND contact_id IS NOT NULL
     GROUP BY contact_id, phone_number_id ORDER BY contact_id, phone_number_id
    ON CONFLICT (contact_id, phone_number_id)
    DO UPDATE SET open_until = greatest(service_windows.open_until, excluded.open_until)
), statuses AS (
    INSERT INTO message_statuses (dedupe_key, wamid, status, attempt_id, at, payload)
    SELECT dedupe_key, wamid, status, attempt_id, at, payload
      FROM jsonb_to_recordset($4::jsonb) AS s(ord int, dedupe_key text, wamid text, status text,
           attempt_id uuid, at timestamptz, payload jsonb)
     ORDER BY ord ON CONFLICT (dedupe_key) DO NOTHING RETURNING seq
)
SELECT (SELECT jsonb_agg(jsonb_build_object('seq', seq, 'kind', kind, 'id', id,
               'conversation_id', conversation_id, 'message_id', message_id, 'wamid', wamid,
               'outcome', outcome) ORDER BY seq) FROM fresh) AS events,
       (SELECT array_agg(seq ORDER BY seq) FROM statuses) AS statuses
"""

#: Kinds that belong to the house, worked by the NumberPool and the clock rather than a conversation.
HOUSE_KINDS: Final = frozenset({"number", "account", "template", "preference"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One webhook request: its raw bytes and what they parsed into."""

    body: bytes
    items: tuple[InboundItem, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    seq: int
    kind: str
    id: UUID
    conversation_id: ConversationId | None
    message_id: MessageId | None
    wamid: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was new in a flush: repeated updates leave no trace in it."""

    events: tuple[StoredEvent, ...] = ()
    statuses: tuple[int, ...] = ()
    house: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)


class Intake:
    """Stores webhook requests. Raises what asyncpg raises when PostgreSQL is away: then no 200."""

    def __init__(self, pool: asyncpg.Pool, lines: Lines) -> None:
        self._pool = pool
        self._lines = lines

    async def store(self, requests: Sequence[Received]) -> Receipt:
        """Stores all of them in one transaction, in order of arrival."""
        await self._know_lines(requests)
        async with self._pool.acquire() as db:
            return await self.store_in(db, requests)

    async def store_in(self, db: identities.Db, requests: Sequence[Received]) -> Receipt:
        """The same on a connection of the caller's, inside its transaction if it has one.

        The caller knows the lines already: asking for them takes another connection, which a pool of
        one would wait for without end.
        """
        people = self._people(i for r in requests for i in r.items)
        known = await identities.look_up(db, people.values())
        missing = [p for p in people.values() if self._settled(p, known) is None]
        changes = any(isinstance(i, IdentityChange) for r in requests for i in r.items)
        if not missing and not changes:
            return await self._insert(db, requests, people, known)
        async with db.transaction():
            await identities.lock_people(db, missing)
            known = await identities.look_up(db, people.values())
            for person, origin in self._origins(requests, people):
                await self._admit(db, person, origin, known)
            known = await identities.look_up(db, people.values())
            return await self._insert(db, requests, people, known)

    async def _know_lines(self, requests: Sequence[Received]) -> None:
        await self._lines.ensure(
            {i.phone_number_id for r in requests for i in r.items if i.phone_number_id}
        )

    # ---- people

    def _people(self, items: Iterable[InboundItem]) -> dict[int, Person]:
        people: dict[int, Person] = {}
        for item in items:
            person = self._person(item)
            if person is not None and person.keys:
                people[id(item)] = person
        return people

    def _person(self, item: InboundItem) -> Person | None:
        line = self._lines.find(item.phone_number_id)
        if line is None:
            return None
        match item:
            case InboundMessage(sender=s, group_id=None):
                wa_id, bsuid, parent = s.wa_id, s.bsuid, s.parent_bsuid
                name, username = s.name or "", s.username
            case AppEcho():
                wa_id, bsuid, parent = item.to_wa_id, item.to_bsuid, item.to_parent_bsuid
                name, username = "", None
            case IdentityChange():
                wa_id, bsuid, parent = item.old_wa_id, item.previous_bsuid or item.bsuid, None
                name, username = "", None
            case _:
                return None
        phone = canonical(wa_id) if wa_id else None
        return Person(
            line=line,
            phone=phone,
            wa_id=wa_id,
            bsuid=bsuid,
            parent_bsuid=parent,
            name=name,
            username=username,
        )

    def _settled(self, person: Person, known: Known) -> tuple[UUID, UUID] | None:
        return identities.settled(person, known, _resolve(person, known))

    def _origins(
        self, requests: Sequence[Received], people: Mapping[int, Person]
    ) -> list[tuple[Person, dict[str, Any]]]:
        return [
            (people[id(item)], _origin(item))
            for request in requests
            for item in request.items
            if id(item) in people
        ]

    async def _admit(
        self, db: identities.Db, person: Person, origin: Mapping[str, Any], known: Known
    ) -> None:
        if self._settled(person, known) is not None:
            return
        resolution = _resolve(person, known)
        await identities.admit(db, person, resolution, origin)
        known.update(await identities.look_up(db, [person]))

    # ---- rows

    async def _insert(
        self,
        db: identities.Db,
        requests: Sequence[Received],
        people: Mapping[int, Person],
        known: Known,
    ) -> Receipt:
        body_ids: list[UUID] = []
        events: list[dict[str, Any]] = []
        statuses: list[dict[str, Any]] = []
        for request in requests:
            body_id = new_id()
            body_ids.append(body_id)
            for item in request.items:
                if isinstance(item, StatusUpdate):
                    statuses.append(_status_row(len(statuses), item))
                    continue
                person = people.get(id(item))
                owner = self._settled(person, known) if person else None
                line_known = self._lines.find(item.phone_number_id) is not None
                events.append(
                    _event_row(len(events), item, body_id, owner, request.at, line_known=line_known)
                )
        row = await db.fetchrow(STORE, body_ids, [r.body for r in requests], events, statuses)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY has one row
        receipt = _receipt(row)
        for item in (i for r in requests for i in r.items if isinstance(i, IdentityChange)):
            await self._change_identity(db, item, people, known)
        return receipt

    async def _change_identity(
        self,
        db: identities.Db,
        item: IdentityChange,
        people: Mapping[int, Person],
        known: Known,
    ) -> None:
        person = people.get(id(item))
        owner = self._settled(person, known) if person else None
        if person is None or owner is None:
            return
        phone = canonical(item.new_wa_id) if item.new_wa_id else None
        renewed = Person(
            line=person.line,
            phone=phone,
            wa_id=item.new_wa_id,
            bsuid=item.bsuid,
            parent_bsuid=None,
            name="",
            username=None,
        )
        if item.new_wa_id or (item.bsuid and item.bsuid != item.previous_bsuid):
            await identities.renew_identities(db, renewed, owner[0])


def _resolve(person: Person, known: Known) -> Any:
    return resolve_sender(
        phone=person.phone,
        bsuid=person.bsuid,
        parent_bsuid=person.parent_bsuid,
        known=identities.known_of(person, known),
    )


def _origin(item: InboundItem) -> dict[str, Any]:
    """How the thread began: an ad, a page post, a link of ours with its code, or nothing special."""
    if not isinstance(item, InboundMessage):
        return {"kind": "direct"}
    if item.referral is not None:
        kind = "ad" if item.referral.source_type == "ad" else "post"
        given = {k: v for k, v in item.to_json()["referral"].items() if v is not None}
        return {"kind": kind, **given}
    code = tracking_code(text_of(item.content))
    return {"kind": "link", "code": code} if code else {"kind": "direct"}


def _event_row(
    ord_: int,
    item: InboundItem,
    body_id: UUID,
    owner: tuple[UUID, UUID] | None,
    received_at: datetime,
    *,
    line_known: bool,
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "ord": ord_,
        "id": new_id(),
        "dedupe_key": item.dedupe_key,
        "kind": item.kind,
        "phone_number_id": item.phone_number_id,
        "waba_id": item.waba_id,
        "body_id": body_id,
        "payload": item.to_json(),
        "sent_at": getattr(item, "sent_at", None) or getattr(item, "at", None) or received_at,
    }
    if isinstance(item, (InboundMessage, AppEcho, IdentityChange)):
        row["wamid"] = item.wamid
        if owner is None:
            row["outcome"] = _unowned(item, line_known=line_known)
            return row
        row["contact_id"], row["conversation_id"] = owner
        row["message_id"] = new_id()
        row["content"] = content_to_json(item.content)
        row["body"] = text_of(item.content)
        row["author"] = _AUTHORS[item.kind]
        row["reply_to_wamid"] = getattr(item, "reply_to_wamid", None)
        # An identity notice is a line of the conversation and starts no turn.
        row["outcome"] = "noted" if isinstance(item, IdentityChange) else None
    elif item.kind not in HOUSE_KINDS:
        row["outcome"] = "stored"
    return row


def _unowned(item: InboundItem, *, line_known: bool) -> str | None:
    """Why nobody's conversation takes this; None while its number may still become known."""
    if getattr(item, "group_id", None):
        return "group_message"
    return "no_sender" if line_known else None


_AUTHORS: Final = {"message": "contact", "echo": "operator", "identity": "system"}


def _status_row(ord_: int, item: StatusUpdate) -> dict[str, Any]:
    return {
        "ord": ord_,
        "dedupe_key": item.dedupe_key,
        "wamid": item.wamid,
        "status": item.status,
        "attempt_id": _attempt(item.callback_data),
        "at": item.at,
        "payload": item.to_json(),
    }


def _attempt(callback_data: str | None) -> UUID | None:
    """Ours is the attempt's id; another system on the same number may write anything."""
    try:
        return UUID(callback_data) if callback_data else None
    except ValueError:
        return None


def _receipt(row: asyncpg.Record) -> Receipt:
    events = tuple(
        StoredEvent(
            seq=e["seq"],
            kind=e["kind"],
            id=UUID(e["id"]),
            conversation_id=_id(e["conversation_id"]),
            message_id=_id(e["message_id"]),
            wamid=e["wamid"],
            outcome=e["outcome"],
        )
        for e in row["events"] or ()
    )
    counts: dict[str, int] = {}
    for event in events:
        counts[event.kind] = counts.get(event.kind, 0) + 1
    statuses = tuple(row["statuses"] or ())
    if statuses:
        counts["status"] = len(statuses)
    return Receipt(
        events=events,
        statuses=statuses,
        house=frozenset(e.kind for e in events if e.kind in HOUSE_KINDS),
        counts=counts,
    )


def _id(value: str | None) -> Any:
    return None if value is None else UUID(value)
