"""Where an element of a webhook stands: what its envelope says, and the keys made of it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from domain.inbound import MetaError, OtherUpdate, Unparsed
from domain.phone import canonical
from integrations.whatsapp.loose import moment, obj, objects, text, whole

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours Meta's clock may be; later times would keep a service window open too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One `changes[]` element: its field, account, number and contacts; `note` collects oddities."""

    field: str
    waba_id: str | None
    entry_time: int | None
    phone_number_id: str | None
    display_phone: str | None
    received_at: datetime
    note: Callable[[str], None]
    contacts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def at(self, value: Any) -> datetime:
        """Meta's time, or the arrival where Meta's is missing, garbage or too far ahead."""
        stated = moment(value)
        if stated is None or stated > self.received_at + CLOCK_SKEW:
            self.note(f"{self.field}: a timestamp was replaced by the arrival")
            return self.received_at
        return stated

    def entry_at(self, value: Any = None) -> datetime:
        """The time of an account field: its own, else the entry's, else the arrival."""
        stated = moment(value) or moment(self.entry_time)
        return stated if stated and stated <= self.received_at + CLOCK_SKEW else self.received_at

    def contact(self, wa_id: str | None, bsuid: str | None) -> dict[str, Any]:
        """The contact block of that person, by id and not by position; empty when there is none."""
        if not self.contacts:
            return {}
        found = self.contacts.get(bsuid or "") or self.contacts.get(wa_id or "")
        if found is not None:
            return found
        if wa_id is not None:
            return self._same_line(canonical(wa_id))
        only = list(self.contacts.values())
        return only[0] if bsuid is None and all(one is only[0] for one in only) else {}

    def _same_line(self, number: str) -> dict[str, Any]:
        known = ((text(one.get("wa_id")), one) for one in self.contacts.values())
        return next((one for wa_id, one in known if wa_id and canonical(wa_id) == number), {})

    def key(self, element: Any) -> str:
        """The dedupe key of an element without an id: account, time, field and content."""
        envelope = [self.waba_id, self.entry_time, self.field, element]
        content = orjson.dumps(envelope, option=orjson.OPT_SORT_KEYS)
        return f"{self.field}:{hashlib.sha256(content).hexdigest()}"


def index_contacts(value: Any) -> dict[str, dict[str, Any]]:
    """`value.contacts` by `wa_id` and by `user_id`."""
    index: dict[str, dict[str, Any]] = {}
    for contact in objects(value):
        for key in (text(contact.get("wa_id")), text(contact.get("user_id"))):
            if key is not None:
                index[key] = contact
    return index


def other(
    origin: Origin, topic: str, value: dict[str, Any], *, at: datetime | None = None
) -> OtherUpdate:
    """An update we store and count."""
    return OtherUpdate(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=value,
        dedupe_key=origin.key(value),
        topic=topic,
        at=at or origin.entry_at(),
        value=value,
    )


def unparsed(origin: Origin, reason: str, element: Any) -> Unparsed:
    """An element we could not read, kept whole."""
    return Unparsed(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=obj(element),
        dedupe_key=origin.key(element),
        reason=reason,
        at=origin.received_at,
        value=element,
    )


def meta_errors(value: Any) -> tuple[MetaError, ...]:
    """The errors of a value, a message or a status."""
    if not value:
        return ()
    return tuple(
        MetaError(
            code=whole(error.get("code")),
            title=text(error.get("title")),
            message=text(error.get("message")),
            details=text(obj(error.get("error_data")).get("details")),
            href=text(error.get("href")),
        )
        for error in objects(value)
    )
