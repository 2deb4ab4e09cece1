"""A webhook body as our own items. Tolerant by rule: what is not understood is kept, never lost.

Meta sends up to 1000 updates in one body, repeats what is not answered 200 for days, and has no way
to ask for a missed message. So only a body that is no JSON object is refused; inside it every element
becomes an item, `Unparsed` with its raw content where it cannot be read. The field decides what an
element is: `messages` under the field `history` are years old, `statuses` under `calls` are calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from typing_extensions import override

from domain.errors import RejectedError
from domain.inbound import InboundItem, ValueErrors
from domain.storable import storable
from integrations.whatsapp.account_fields import (
    ACCOUNT_FIELDS,
    NUMBER_FIELDS,
    TEMPLATE_FIELDS,
    read_account,
    read_number,
    read_template,
)
from integrations.whatsapp.inbound_content import BREAKS
from integrations.whatsapp.loose import UnreadableError, many, moment, obj, objects, text, whole
from integrations.whatsapp.message_fields import (
    read_call,
    read_echo,
    read_history,
    read_history_media,
    read_message,
    read_preference,
    read_status,
)
from integrations.whatsapp.origin import Origin, index_contacts, meta_errors, other, unparsed

BODY_MAX: Final = 4 * 1024 * 1024
"""Bytes; Meta's largest body is 3 MB."""

_OBJECT: Final = "whatsapp_business_account"
_NESTED_MAX: Final = 60  # levels between the body and an element's deepest value

ElementReader = Callable[[dict[str, Any], Origin], InboundItem]
ValueReader = Callable[[dict[str, Any], Origin, list[InboundItem]], None]


class MalformedWebhookError(RejectedError):
    """The body is no JSON object; there is nothing to keep but its bytes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @override
    def __str__(self) -> str:
        return f"the webhook body {self.reason}"


class WebhookTooLargeError(RejectedError):
    """The body is larger than Meta ever sends."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    @override
    def __str__(self) -> str:
        return f"the webhook body has {self.size} bytes; the limit is {self.limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedWebhook:
    """The items in the order of the body; `problems` name oddities without personal data, for the log."""

    items: tuple[InboundItem, ...]
    problems: tuple[str, ...] = ()


def parse_webhook(body: bytes, received_at: datetime) -> ParsedWebhook:
    """Every element of the body as an item. `received_at` stands in for an unusable time of Meta's.

    Raises MalformedWebhookError and WebhookTooLargeError, and nothing else.
    """
    if len(body) > BODY_MAX:
        raise WebhookTooLargeError(len(body), BODY_MAX)
    document = _load(body)
    problems: dict[str, None] = {}  # a set that keeps the order

    def note(problem: str) -> None:
        problems[problem] = None

    items: list[InboundItem] = []
    for entry, change in _changes(document, note):
        _read_change(change, entry, document, received_at, note, items)
    return ParsedWebhook(items=tuple(items), problems=tuple(problems))


def _load(body: bytes) -> dict[str, Any]:
    """The body as values that PostgreSQL can store."""
    try:
        document = orjson.loads(body)
        clean = b"\\u0000" not in body
        if clean:
            orjson.dumps(document)  # refuses what is nested too deeply to be stored
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        document, clean = _load_leniently(body), False
    if not isinstance(document, dict):
        raise MalformedWebhookError("is no JSON object")
    return document if clean else obj(storable(document, depth=_NESTED_MAX))


def _load_leniently(body: bytes) -> Any:
    """JSON that the strict reader refuses: lone surrogates, broken UTF-8, deep nesting, huge numbers."""
    try:
        written = body.decode("utf-8-sig", errors="replace")
        return json.loads(written, strict=False, parse_constant=lambda _name: None)
    except (ValueError, RecursionError) as error:
        raise MalformedWebhookError("is no JSON") from error


def _changes(
    document: dict[str, Any], note: Callable[[str], None]
) -> Iterable[tuple[dict[str, Any], Any]]:
    """Every (entry, change), also of bodies whose levels are missing or single objects."""
    if "entry" not in document:
        note("entry is missing")
        yield {}, document
        return
    entries = many(document["entry"])
    if not entries:
        note("entry is empty" if document["entry"] == [] else "entry is no list")
        if document["entry"] != []:
            yield {}, document
    for entry in entries:
        changes = many(obj(entry).get("changes"))
        if not changes:
            note("changes is missing or empty")
            yield obj(entry), entry
        for change in changes:
            yield obj(entry), change


def _read_change(
    change: Any,
    entry: dict[str, Any],
    document: dict[str, Any],
    received_at: datetime,
    note: Callable[[str], None],
    items: list[InboundItem],
) -> None:
    value = obj(obj(change).get("value"))
    levels = (obj(change), value, entry, document)  # Meta has printed `field` on all of them
    field = next((found for level in levels if (found := text(level.get("field")))), None)
    metadata = obj(value.get("metadata"))
    contacts = value.get("contacts")
    origin = Origin(
        field=field or "unknown",
        waba_id=text(entry.get("id")),
        entry_time=_seconds(entry.get("time")),
        phone_number_id=text(metadata.get("phone_number_id")),
        display_phone=text(metadata.get("display_phone_number")),
        received_at=received_at,
        note=note,
        contacts=index_contacts(contacts) if contacts else {},
    )
    reason = _refusal(change, field, document)
    if reason is not None:
        note(reason)
        items.append(unparsed(origin, reason, change))
        return
    reader = _FIELDS.get(origin.field, _read_other)
    start = len(items)
    try:
        reader(value, origin, items)
    except BREAKS as error:
        del items[start:]
        items.append(unparsed(origin, _reason(error), change))
        note(f"{origin.field}: {_reason(error)}")
    if len(items) == start:
        items.append(other(origin, "empty", value))
        note(f"{origin.field}: nothing inside")


def _seconds(value: Any) -> int | None:
    return whole(value) if moment(value) else None


def _refusal(change: Any, field: str | None, document: dict[str, Any]) -> str | None:
    kind = document.get("object", _OBJECT)
    if kind != _OBJECT:
        return "object is not whatsapp_business_account"
    if not isinstance(change, dict):
        return "the change is no object"
    if field is None:
        return "field is missing"
    return None if isinstance(change.get("value"), dict) else f"{field}: value is no object"


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UnreadableError) else type(error).__name__


def _each(elements: Any, read: ElementReader, origin: Origin, items: list[InboundItem]) -> None:
    for element in many(elements):
        if type(element) is not dict:
            items.append(unparsed(origin, "the element is no object", element))
            continue
        try:
            items.append(read(element, origin))
        except BREAKS as error:
            items.append(unparsed(origin, _reason(error), element))
            origin.note(f"{origin.field}: {_reason(error)}")


def _read_messages(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    for key, read in (("messages", read_message), ("statuses", read_status)):
        if key in value:
            _each_or_unparsed(key, value, read, origin, items)
    _read_errors(value, origin, items)


def _each_or_unparsed(
    key: str,
    value: dict[str, Any],
    read: ElementReader,
    origin: Origin,
    items: list[InboundItem],
) -> None:
    elements = value[key]
    if elements is not None and type(elements) not in {list, dict}:
        items.append(unparsed(origin, f"{key} is no list", {key: elements}))
        return
    _each(elements, read, origin, items)


def _read_errors(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    errors = meta_errors(value.get("errors"))
    if not errors:
        return
    items.append(
        ValueErrors(
            field=origin.field,
            waba_id=origin.waba_id,
            phone_number_id=origin.phone_number_id,
            raw=value,
            dedupe_key=origin.key(value["errors"]),
            errors=errors,
        )
    )


def _read_echoes(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    _each(value.get("message_echoes"), read_echo, origin, items)
    _read_errors(value, origin, items)


def _read_history(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    _each(value.get("history"), read_history, origin, items)
    if "messages" in value or "message_echoes" in value:
        items.append(read_history_media(value, origin))
    _read_errors(value, origin, items)


def _read_calls(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    _each(value.get("calls"), read_call, origin, items)
    _each(value.get("statuses"), read_call, origin, items)
    _read_errors(value, origin, items)


def _read_preferences(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    _each(value.get("user_preferences"), read_preference, origin, items)


def _single(read: ElementReader) -> ValueReader:
    def reader(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
        items.append(read(value, origin))

    return reader


def _listed(key: str, *topic: str) -> ValueReader:
    """Fields that hold a list we only keep: one item an element, named by the element's own words."""

    def reader(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
        for element in objects(value.get(key)):
            words = [found for name in topic if (found := text(element.get(name)))]
            at = origin.entry_at(element.get("timestamp"))
            items.append(other(origin, ":".join(words) or key, element, at=at))
        _read_errors(value, origin, items)

    return reader


def _read_other(value: dict[str, Any], origin: Origin, items: list[InboundItem]) -> None:
    if "new_quality_score" in value and "message_template_id" in value:
        items.append(read_template(value, origin))
        return
    topic = text(value.get("event")) or text(value.get("status")) or origin.field
    items.append(other(origin, topic, value))


_FIELDS: Final[dict[str, ValueReader]] = {
    "messages": _read_messages,
    "smb_message_echoes": _read_echoes,
    "message_echoes": _read_echoes,
    "history": _read_history,
    "calls": _read_calls,
    "user_preferences": _read_preferences,
    "smb_app_state_sync": _listed("state_sync", "type", "action"),
    "automatic_events": _listed("automatic_events", "event_name"),
    "group_lifecycle_update": _listed("groups", "type"),
    "group_participants_update": _listed("groups", "type"),
    "group_settings_update": _listed("groups", "type"),
    "group_status_update": _listed("groups", "type"),
    **dict.fromkeys(NUMBER_FIELDS, _single(read_number)),
    **dict.fromkeys(ACCOUNT_FIELDS, _single(read_account)),
    **dict.fromkeys(TEMPLATE_FIELDS, _single(read_template)),
}
