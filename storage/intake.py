"""The durable inbox: everything a webhook brought is stored once, before it is answered 200.

A flush stores many requests in two round trips: one that finds who wrote, one statement that
inserts bodies, events, messages, statuses and windows. Only new people cost more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg

from domain.content import content_to_json, text_of
from domain.ids import new_id
from domain.inbound import (
    AppEcho,
    IdentityChange,
    InboundItem,
    InboundMessage,
    StatusUpdate,
)
from storage import admission, identities
from storage.admission import Senders
from storage.audit import append
from storage.identities import Known
from storage.lines import Lines
from storage.pool import Db
from storage.receipts import Receipt, Received, StoredEvent

# A new answer from the phone app is a person's act, so it fences here: epoch, version and mode with the
# row's lock, the rest in fence_by_echo_v1, which sees what was committed while this waited for the lock.
STORE: Final[LiteralString] = """
WITH bodies AS (
    INSERT INTO webhook_bodies (id, body) SELECT * FROM unnest($1::uuid[], $2::bytea[])
    ON CONFLICT (id) DO NOTHING
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
               FILTER (WHERE author = 'contact'))[1] AS phone_number_id,
           max(seq) FILTER (WHERE kind = 'echo') AS echo_seq
      FROM fresh WHERE message_id IS NOT NULL GROUP BY conversation_id
), locked AS MATERIALIZED (
    SELECT c.id FROM conversations c WHERE c.id IN (SELECT conversation_id FROM latest)
     ORDER BY c.id FOR NO KEY UPDATE
), touched AS (
    UPDATE conversations c SET updated_at = clock_timestamp(), last_message_at = clock_timestamp(),
           last_message_id = l.message_id, unread_count = c.unread_count + l.unread,
           last_inbound_number = coalesce(l.phone_number_id, c.last_inbound_number),
           sticky_number = coalesce(l.phone_number_id, c.sticky_number),
           sticky_reason = CASE WHEN l.phone_number_id IS NOT DISTINCT FROM c.sticky_number
                                  OR l.phone_number_id IS NULL THEN c.sticky_reason
                                ELSE 'o cliente escreveu para este número' END,
           epoch = c.epoch + (l.echo_seq IS NOT NULL)::int,
           version = c.version + (l.echo_seq IS NOT NULL)::int,
           mode = CASE WHEN l.echo_seq IS NULL THEN c.mode ELSE 'operator' END,
           handled_up_to = greatest(c.handled_up_to, l.echo_seq)
      FROM latest l JOIN locked k ON k.id = l.conversation_id WHERE c.id = l.conversation_id
    RETURNING c.id, c.epoch, l.echo_seq
), windows AS (
    INSERT INTO service_windows (contact_id, phone_number_id, open_until)
    SELECT contact_id, phone_number_id,
           max(least(sent_at, clock_timestamp())) + interval '24 hours'
      FROM fresh WHERE kind = 'message' AND contact_id IS NOT NULL
       AND (SELECT count(*) FROM locked) > 0  -- conversations first, as everybody locks them
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
       (SELECT array_agg(seq ORDER BY seq) FROM statuses) AS statuses,
       (SELECT sum(fence_by_echo_v1(id, epoch)) FROM touched WHERE echo_seq IS NOT NULL) AS withdrawn
"""

#: Kinds that belong to the house, worked by the NumberPool and the clock rather than a conversation.
HOUSE_KINDS: Final = frozenset({"number", "account", "template", "preference"})


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

    async def store_in(self, db: Db, requests: Sequence[Received]) -> Receipt:
        """The same on a connection of the caller's, inside its transaction if it has one.

        The caller knows the lines already: asking for them takes another connection, which a pool of
        one would wait for without end.
        """
        items = [item for request in requests for item in request.items]
        senders = admission.senders_of(items, self._lines)
        people = [person for sender in senders.values() for person in sender.people]
        known = await identities.look_up(db, people)
        newcomers = [sender for sender in senders.values() if sender.has_news(known)]
        merges = await admission.merge_twins(db, newcomers, known)
        if merges:
            known = await identities.look_up(db, people)
            newcomers = [sender for sender in senders.values() if sender.has_news(known)]
        if not newcomers:
            receipt = await self._insert(db, requests, senders, known)
        else:
            async with db.transaction():
                senders = await admission.lock_fresh(db, senders, newcomers)
                late = await admission.admit(db, senders.values())
                merges += late
                known = await identities.look_up(db, people)
                receipt = await self._insert(db, requests, senders, known)
                await admission.renew(db, senders.values(), known)
                await append(db, [line for merge in late for line in merge.lines])
        return replace(receipt, merged=tuple(c for merge in merges for c in merge.fenced))

    async def _know_lines(self, requests: Sequence[Received]) -> None:
        await self._lines.ensure(
            {i.phone_number_id for r in requests for i in r.items if i.phone_number_id}
        )

    # ---- rows

    async def _insert(
        self,
        db: Db,
        requests: Sequence[Received],
        senders: Senders,
        known: Known,
    ) -> Receipt:
        events: list[dict[str, Any]] = []
        statuses: list[dict[str, Any]] = []
        for request in requests:
            for item in request.items:
                if isinstance(item, StatusUpdate):
                    statuses.append(_status_row(len(statuses), item))
                    continue
                sender = senders.get(id(item))
                owner = sender.owner(known) if sender else None
                line_known = self._lines.find(item.phone_number_id) is not None
                events.append(_event_row(len(events), item, request, owner, line_known=line_known))
        bodies = {r.body_id: r.body for r in requests if r.body is not None}
        row = await db.fetchrow(STORE, list(bodies), list(bodies.values()), events, statuses)
        assert row is not None  # noqa: S101 - an aggregate without GROUP BY has one row
        return _receipt(row)


def _event_row(
    ord_: int,
    item: InboundItem,
    request: Received,
    owner: tuple[UUID, UUID] | None,
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
        "body_id": request.body_id,
        "payload": item.to_json(),
        "sent_at": getattr(item, "sent_at", None) or getattr(item, "at", None) or request.at,
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
