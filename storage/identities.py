"""Contacts by the identities Meta knows them by, and the one conversation of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from domain.ids import new_id
from routing.identity import PHONE, IdentityKey, KnownIdentity, Resolution
from routing.shards import bucket_of
from storage.merge import Merge, merge_contacts
from storage.numbers import Line
from storage.pool import Db

LOOK_UP: Final[LiteralString] = """
SELECT k.portfolio_id, k.kind, k.value, i.contact_id, i.wa_id, p.name,
       (SELECT b.value FROM channel_identities b WHERE b.contact_id = i.contact_id
           AND b.kind = 'bsuid' AND b.superseded_at IS NULL LIMIT 1) AS bsuid,
       (SELECT jsonb_object_agg(c.facade_id, c.id) FROM conversations c
         WHERE c.contact_id = i.contact_id) AS conversations
  FROM unnest($1::text[], $2::text[], $3::text[]) AS k(portfolio_id, kind, value)
  JOIN channel_identities i USING (portfolio_id, kind, value)
  JOIN contacts p ON p.id = i.contact_id
 WHERE i.superseded_at IS NULL
"""

# Two intakes meeting the same new person wait for each other here, and the second finds the first's.
LOCK_SENDER: Final[LiteralString] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 42))"

INSERT_CONTACT: Final[LiteralString] = """
INSERT INTO contacts (id, account_id, name) VALUES ($1, $2, $3)
"""

RELEASE: Final[LiteralString] = """
WITH released AS (
    UPDATE channel_identities SET superseded_at = clock_timestamp()
     WHERE portfolio_id = $1 AND kind = $2 AND value = $3 AND superseded_at IS NULL
    RETURNING contact_id
)
UPDATE contacts p SET right_party_confirmed_at = NULL, updated_at = clock_timestamp(),
       contactability_version = contactability_version + 1
  FROM released WHERE p.id = released.contact_id
"""

ATTACH: Final[LiteralString] = """
INSERT INTO channel_identities (id, contact_id, portfolio_id, kind, value, wa_id, username)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (portfolio_id, kind, value) WHERE superseded_at IS NULL DO NOTHING
"""

INSERT_CONVERSATION: Final[LiteralString] = """
INSERT INTO conversations (id, facade_id, contact_id, bucket, origin) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (facade_id, contact_id) DO NOTHING
"""

# Meta's name for a person fills a gap; what our people or the AI wrote stays.
SET_NAME: Final[LiteralString] = "UPDATE contacts SET name = $2 WHERE id = $1 AND name = ''"

SUPERSEDE_OF_CONTACT: Final[LiteralString] = """
UPDATE channel_identities SET superseded_at = clock_timestamp()
 WHERE contact_id = $1 AND kind = $2 AND value <> $3 AND superseded_at IS NULL
"""

CLEAR_RIGHT_PARTY: Final[LiteralString] = """
UPDATE contacts SET right_party_confirmed_at = NULL, updated_at = clock_timestamp(),
       contactability_version = contactability_version + 1 WHERE id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A sender as the webhook names them; the phone canonical, `wa_id` as Meta spells it."""

    line: Line
    phone: str | None
    wa_id: str | None
    bsuid: str | None
    parent_bsuid: str | None
    name: str
    username: str | None

    @property
    def keys(self) -> list[IdentityKey]:
        pairs = (("bsuid", self.bsuid), ("parent_bsuid", self.parent_bsuid), (PHONE, self.phone))
        return [(kind, value) for kind, value in pairs if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    contact_id: UUID
    bsuid: str | None
    wa_id: str | None
    name: str
    conversations: Mapping[str, str]


Known = dict[tuple[str, str, str], Found]


async def look_up(db: Db, people: Iterable[Person]) -> Known:
    """What is known of these people's identities, in one round trip."""
    keys = {(p.line.portfolio_id, kind, value) for p in people for kind, value in p.keys}
    if not keys:
        return {}
    portfolios, kinds, values = zip(*sorted(keys), strict=True)
    rows = await db.fetch(LOOK_UP, list(portfolios), list(kinds), list(values))
    return {
        (row["portfolio_id"], row["kind"], row["value"]): Found(
            contact_id=row["contact_id"],
            bsuid=row["bsuid"],
            wa_id=row["wa_id"],
            name=row["name"],
            conversations=row["conversations"] or {},
        )
        for row in rows
    }


def known_of(person: Person, known: Known) -> dict[IdentityKey, KnownIdentity]:
    found: dict[IdentityKey, KnownIdentity] = {}
    for key in person.keys:
        entry = known.get((person.line.portfolio_id, *key))
        if entry is not None:
            found[key] = KnownIdentity(contact_id=entry.contact_id, bsuid=entry.bsuid)
    return found


def settled(person: Person, known: Known, resolution: Resolution) -> tuple[UUID, UUID] | None:
    """(contact, conversation) when nothing has to be written for this person; else None."""
    if resolution.contact_id is None or resolution.attach or resolution.release:
        return None
    for key in person.keys:
        entry = known.get((person.line.portfolio_id, *key))
        if entry is None:
            continue
        conversation = entry.conversations.get(str(person.line.facade_id))
        spelled_otherwise = key[0] == PHONE and person.wa_id and entry.wa_id != person.wa_id
        nameless = bool(person.name) and not entry.name
        if conversation is not None and not spelled_otherwise and not nameless:
            return entry.contact_id, UUID(conversation)
    return None


async def admit(
    db: Db, person: Person, resolution: Resolution, origin: Mapping[str, Any]
) -> Merge | None:
    """Writes what is new about a person, inside a transaction; the merge if they were two contacts.

    The merge comes first: it locks conversations, and everybody locks those before contacts.
    """
    contact_id, merge = resolution.contact_id, None
    if contact_id is not None and resolution.merge_from is not None:
        merge = await merge_contacts(db, kept=contact_id, gone=resolution.merge_from)
    if contact_id is None:
        contact_id = new_id()
        await db.execute(INSERT_CONTACT, contact_id, person.line.account_id, person.name)
    elif person.name:
        await db.execute(SET_NAME, contact_id, person.name)
    for kind, value in resolution.release:
        await db.execute(RELEASE, person.line.portfolio_id, kind, value)
    for kind, value in resolution.attach:
        await attach(db, person, contact_id, kind, value)
    if person.wa_id and person.phone:
        await db.execute(
            "UPDATE channel_identities SET wa_id = $2 WHERE contact_id = $1 AND kind = 'phone'"
            " AND value = $3 AND superseded_at IS NULL AND wa_id IS DISTINCT FROM $2",
            contact_id,
            person.wa_id,
            person.phone,
        )
    await open_conversation(db, person.line, contact_id, origin)
    return merge


async def attach(db: Db, person: Person, contact_id: UUID, kind: str, value: str) -> None:
    wa_id = person.wa_id if kind == PHONE else None
    await db.execute(
        ATTACH, new_id(), contact_id, person.line.portfolio_id, kind, value, wa_id, person.username
    )


async def open_conversation(
    db: Db, line: Line, contact_id: UUID, origin: Mapping[str, Any]
) -> None:
    conversation_id = new_id()
    await db.execute(
        INSERT_CONVERSATION,
        conversation_id,
        line.facade_id,
        contact_id,
        bucket_of(conversation_id),
        origin,
    )


async def lock_people(db: Db, people: Sequence[Person]) -> None:
    """In key order, so that two intakes never wait for each other in a circle."""
    keys = sorted(
        {f"{p.line.portfolio_id}:{kind}:{value}" for p in people for kind, value in p.keys}
    )
    for key in keys:
        await db.execute(LOCK_SENDER, key)


async def renew_identities(db: Db, person: Person, contact_id: UUID) -> None:
    """The contact changed number or id: the new ones replace the old, whoever had them until now.

    A changed number is no proof of the same person, so the right party has to be confirmed again,
    here and with whom the number is taken from (`routing/identity.py:resolve_change` says why those
    two are not merged).
    """
    for kind, value in person.keys:
        await db.execute(RELEASE, person.line.portfolio_id, kind, value)
        await db.execute(SUPERSEDE_OF_CONTACT, contact_id, kind, value)
        await attach(db, person, contact_id, kind, value)
    await db.execute(CLEAR_RIGHT_PARTY, contact_id)
