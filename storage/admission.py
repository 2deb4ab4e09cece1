"""Who wrote: every sender of a flush has a contact and a conversation before anything is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString
from uuid import UUID

from domain.content import text_of
from domain.inbound import AppEcho, IdentityChange, InboundItem, InboundMessage
from domain.phone import canonical
from domain.tracking import tracking_code
from routing.identity import Resolution, resolve_change, resolve_sender
from storage import identities
from storage.audit import append
from storage.identities import Known, Person
from storage.lines import Lines
from storage.merge import Merge, merge_contacts
from storage.numbers import Line
from storage.pool import Db

FIND_STORED: Final[LiteralString] = """
SELECT dedupe_key FROM inbound_events WHERE dedupe_key = ANY ($1::text[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """An item with who it is from. `renewed`: what a notice says they are called from now on."""

    item: InboundItem
    person: Person
    renewed: Person | None

    @property
    def people(self) -> tuple[Person, ...]:
        return (self.person,) if self.renewed is None else (self.person, self.renewed)

    def resolve(self, known: Known) -> Resolution:
        return resolve_sender(
            phone=self.person.phone,
            bsuid=self.person.bsuid,
            parent_bsuid=self.person.parent_bsuid,
            known=identities.known_of(self.person, known),
        )

    def owner(self, known: Known) -> tuple[UUID, UUID] | None:
        """(contact, conversation) when nothing has to be written for this sender; else None."""
        return identities.settled(self.person, known, self.resolve(known))

    def has_news(self, known: Known) -> bool:
        return self.renewed is not None or self.owner(known) is None

    def is_known_twice(self, known: Known) -> bool:
        """Whether two contacts turn out to be this one person."""
        return self.resolve(known).merge_from is not None or self.twin(known) is not None

    def twin(self, known: Known) -> tuple[UUID, UUID] | None:
        """(contact, the second one) when a notice shows that they are one person."""
        if self.renewed is None:
            return None
        contact_id = self.resolve(known).contact_id
        if contact_id is None:
            return None
        found = identities.known_of(self.renewed, known)
        second = resolve_change(contact_id=contact_id, new_bsuid=self.renewed.bsuid, known=found)
        return None if second is None else (contact_id, second)


#: By the identity of the item object; items without a sender we know of are not in it.
Senders = Mapping[int, Sender]


def senders_of(items: Iterable[InboundItem], lines: Lines) -> Senders:
    senders: dict[int, Sender] = {}
    for item in items:
        line = lines.find(item.phone_number_id)
        person = None if line is None else _person(item, line)
        if person is not None and person.keys:
            senders[id(item)] = Sender(item=item, person=person, renewed=_renewed(item, person))
    return senders


async def merge_twins(db: Db, senders: Iterable[Sender], known: Known) -> list[Merge]:
    """Makes one contact of two where a sender turns out to be both, each in a transaction of its own.

    Before the flush and not within it: a flush inserts events before it locks conversations, a merge
    locks them first, so that two of both kinds could wait for each other.
    """
    merges: list[Merge] = []
    for sender in senders:
        if not sender.is_known_twice(known):
            continue
        async with db.transaction():
            await identities.lock_people(db, sender.people)
            if await _find_stored(db, [sender]):
                continue
            # Another intake may have been faster; then nothing is left to do.
            now = await identities.look_up(db, sender.people)
            merge = await _merge(db, sender, now)
            if merge is not None:
                await append(db, merge.lines)
                merges.append(merge)
    return merges


async def lock_fresh(db: Db, senders: Senders, newcomers: Sequence[Sender]) -> Senders:
    """Locks who is new, then drops those whose item Meta only repeats: it has moved what it says.

    A number that changed may have another owner by then, and a person's old one belongs to nobody.
    """
    await identities.lock_people(db, [p for sender in newcomers for p in sender.people])
    stored = await _find_stored(db, newcomers)
    return {of: sender for of, sender in senders.items() if sender.item.dedupe_key not in stored}


async def admit(db: Db, senders: Iterable[Sender]) -> list[Merge]:
    """Writes what is new about the senders, in order; the merges among those the flush itself made.

    The caller holds their locks (`lock_fresh`).
    """
    everybody = list(senders)
    people = [sender.person for sender in everybody]
    known = await identities.look_up(db, people)
    merges: list[Merge] = []
    for sender in everybody:
        if sender.owner(known) is not None:
            continue
        resolution = sender.resolve(known)
        merge = await identities.admit(db, sender.person, resolution, _origin(sender.item))
        if merge is not None:
            merges.append(merge)
        known.update(await identities.look_up(db, [sender.person] if merge is None else people))
    return merges


async def renew(db: Db, senders: Iterable[Sender], known: Known) -> None:
    """Carries out what notices said: the new number or id replaces the old."""
    for sender in senders:
        owner = sender.owner(known)
        if sender.renewed is not None and owner is not None:
            await identities.renew_identities(db, sender.renewed, owner[0])


async def _find_stored(db: Db, senders: Iterable[Sender]) -> set[str]:
    rows = await db.fetch(FIND_STORED, [sender.item.dedupe_key for sender in senders])
    return {row["dedupe_key"] for row in rows}


async def _merge(db: Db, sender: Sender, known: Known) -> Merge | None:
    resolution = sender.resolve(known)
    if resolution.merge_from is not None:
        return await identities.admit(db, sender.person, resolution, _origin(sender.item))
    twin = sender.twin(known)
    return None if twin is None else await merge_contacts(db, kept=twin[0], gone=twin[1])


def _person(item: InboundItem, line: Line) -> Person | None:
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
    return Person(
        line=line,
        phone=canonical(wa_id) if wa_id else None,
        wa_id=wa_id,
        bsuid=bsuid,
        parent_bsuid=parent,
        name=name,
        username=username,
    )


def _renewed(item: InboundItem, person: Person) -> Person | None:
    if not isinstance(item, IdentityChange):
        return None
    if not item.new_wa_id and (not item.bsuid or item.bsuid == item.previous_bsuid):
        return None
    return Person(
        line=person.line,
        phone=canonical(item.new_wa_id) if item.new_wa_id else None,
        wa_id=item.new_wa_id,
        bsuid=item.bsuid,
        parent_bsuid=None,
        name="",
        username=None,
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
