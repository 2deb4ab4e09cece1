"""Who wrote? A choice among the contacts that share one of the sender's identities. Pure.

A phone attaches only to a contact without a BSUID or with the same one; otherwise the number has
changed hands and the sender is somebody else. A BSUID always names one person of the portfolio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

PHONE, BSUID, PARENT_BSUID = "phone", "bsuid", "parent_bsuid"

#: (kind, value) of a channel identity; a phone is spelled canonically.
IdentityKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIdentity:
    contact_id: UUID
    #: The contact's current BSUID, whichever identity was asked for.
    bsuid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Where the sender belongs and what has to be written for it.

    `contact_id` None: a new contact. `attach`: keys to bind to it. `release`: keys that belonged to
    somebody else until now. `merge_from`: a second contact that is the same person.
    """

    contact_id: UUID | None
    attach: tuple[IdentityKey, ...] = ()
    release: tuple[IdentityKey, ...] = ()
    merge_from: UUID | None = None


def resolve_sender(
    *,
    phone: str | None,
    bsuid: str | None,
    parent_bsuid: str | None,
    known: Mapping[IdentityKey, KnownIdentity],
) -> Resolution:
    """The contact behind these identities; at least one of them is given."""
    keys = [k for k in ((BSUID, bsuid), (PARENT_BSUID, parent_bsuid), (PHONE, phone)) if k[1]]
    wanted = [(kind, value) for kind, value in keys if value is not None]
    by_bsuid = known.get((BSUID, bsuid)) if bsuid else None
    by_phone = known.get((PHONE, phone)) if phone else None
    by_parent = known.get((PARENT_BSUID, parent_bsuid)) if parent_bsuid else None
    missing = tuple(key for key in wanted if key not in known)

    if by_bsuid is not None:
        return _named_by_bsuid(by_bsuid, by_phone, phone, missing)
    if by_phone is not None:
        if bsuid is None or by_phone.bsuid is None:
            return Resolution(contact_id=by_phone.contact_id, attach=missing)
        # The phone's owner is known under another BSUID: the number changed hands.
        return Resolution(
            contact_id=None, attach=tuple(wanted), release=((PHONE, phone),) if phone else ()
        )
    if by_parent is not None and bsuid is None:
        return Resolution(contact_id=by_parent.contact_id, attach=missing)
    return Resolution(contact_id=None, attach=missing)


def _named_by_bsuid(
    owner: KnownIdentity,
    by_phone: KnownIdentity | None,
    phone: str | None,
    missing: tuple[IdentityKey, ...],
) -> Resolution:
    if by_phone is None or phone is None or by_phone.contact_id == owner.contact_id:
        return Resolution(contact_id=owner.contact_id, attach=missing)
    taken = ((PHONE, phone),)
    if by_phone.bsuid is None:
        # A contact known by phone only turns out to be this person: one person, two records.
        return Resolution(
            contact_id=owner.contact_id,
            attach=(*missing, *taken),
            release=taken,
            merge_from=by_phone.contact_id,
        )
    return Resolution(contact_id=owner.contact_id, attach=(*missing, *taken), release=taken)


def resolve_change(
    *, contact_id: UUID, new_bsuid: str | None, known: Mapping[IdentityKey, KnownIdentity]
) -> UUID | None:
    """A second contact that a notice of a changed number or id shows to be the same person, or None.

    Only who already writes under the BSUID the notice names: their message was faster than the notice.
    Who was known by the new number alone stays somebody else, with or without a BSUID: until this
    notice the person had another number, so that one was its former owner. The number goes to the
    person of the notice, and the right party has to be confirmed again on both sides.
    """
    holder = known.get((BSUID, new_bsuid)) if new_bsuid else None
    return None if holder is None or holder.contact_id == contact_id else holder.contact_id
