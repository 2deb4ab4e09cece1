"""The content of a message as Meta writes it, as ours. Never raises: what cannot be read is Unsupported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson

from domain.content import (
    ButtonReply,
    CallPermission,
    Contacts,
    Content,
    Edit,
    FlowReply,
    ListReply,
    Location,
    Media,
    MediaKind,
    Order,
    PaymentMethod,
    Reaction,
    ReplySource,
    Revoke,
    Text,
    Unsupported,
)
from domain.storable import storable
from integrations.whatsapp.loose import UnreadableError, flag, obj, objects, text, whole

BREAKS: Final = (
    AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What reading a hostile or unknown element may raise."""

Reader = Callable[[dict[str, Any]], Content]


def read_content(element: dict[str, Any]) -> Content:
    """The content of a message, an echo or an edited message."""
    kind = text(element.get("type")) or _guess(element)
    reader = _READERS.get(kind or "")
    if reader is not None:
        try:
            return reader(element)
        except BREAKS:
            pass  # shown as unsupported, and the raw element is kept
    sub_type = text(obj(element.get("unsupported")).get("type"))
    if sub_type is None and kind == "interactive":
        sub_type = text(obj(element.get("interactive")).get("type"))
    if kind == "media_placeholder":
        sub_type = kind
    return Unsupported(type=sub_type, raw_type=kind, errors=objects(element.get("errors")))


def _guess(element: dict[str, Any]) -> str | None:
    """The type of a message that does not say it."""
    return next((kind for kind in _READERS if kind in element), None)


def _need(value: Any, what: str) -> str:
    found = text(value)
    if found is None:
        raise UnreadableError(f"{what} is missing")
    return found


def _text(element: dict[str, Any]) -> Text:
    body = element["text"]["body"]
    return Text(body=body if isinstance(body, str) else _need(body, "text.body"))


def _media(kind: MediaKind, element: dict[str, Any]) -> Media:
    file = element[kind.value]
    return Media(
        kind=kind,
        media_id=text(file.get("id")),
        caption=text(file.get("caption")),
        filename=text(file.get("filename")),
        mime_type=text(file.get("mime_type")),
        sha256=text(file.get("sha256")),
        voice=flag(file.get("voice")),
    )


def _location(element: dict[str, Any]) -> Location:
    place = element["location"]
    return Location(
        latitude=float(place["latitude"]),
        longitude=float(place["longitude"]),
        name=text(place.get("name")),
        address=text(place.get("address")),
        url=text(place.get("url")),
    )


def _contacts(element: dict[str, Any]) -> Contacts:
    cards = objects(element["contacts"])
    if not cards:
        raise UnreadableError("contacts is empty")
    origin = text(element.get("origin")) or text(cards[0].get("origin"))
    return Contacts(cards=cards, origin=origin)


def _reaction(element: dict[str, Any]) -> Reaction:
    reaction = element["reaction"]
    target = _need(reaction.get("message_id"), "reaction.message_id")
    return Reaction(target_wamid=target, emoji=text(reaction.get("emoji")))


def _template_button(element: dict[str, Any]) -> ButtonReply:
    button = element["button"]
    title = text(button.get("text")) or text(button.get("payload"))
    title = _need(title, "button.text")
    return ButtonReply(
        id=text(button.get("payload")) or title, title=title, source=ReplySource.TEMPLATE
    )


def _interactive(element: dict[str, Any]) -> Content:
    interactive = element["interactive"]
    kind = interactive["type"]
    return _INTERACTIVE[kind](interactive[kind])


def _button_reply(reply: dict[str, Any]) -> ButtonReply:
    return ButtonReply(id=_need(reply.get("id"), "id"), title=text(reply.get("title")) or "")


def _list_reply(reply: dict[str, Any]) -> ListReply:
    return ListReply(
        id=_need(reply.get("id"), "id"),
        title=text(reply.get("title")) or "",
        description=text(reply.get("description")),
    )


def _flow_reply(reply: dict[str, Any]) -> FlowReply:
    written = reply["response_json"]
    response = written if isinstance(written, dict) else _flow_answers(written)
    return FlowReply(response=response, name=text(reply.get("name")))


def _flow_answers(written: str) -> dict[str, Any]:
    """The JSON inside the JSON; its own escapes may hide what PostgreSQL refuses."""
    try:
        answers = orjson.loads(written)
    except orjson.JSONDecodeError:
        return {"unparsed": written}
    safe = storable(answers)
    return safe if isinstance(safe, dict) else {"unparsed": written}


def _payment_method(reply: dict[str, Any]) -> PaymentMethod:
    return PaymentMethod(
        payment_method=text(reply.get("payment_method")),
        payment_timestamp=whole(reply.get("payment_timestamp")),
        reference_id=text(reply.get("reference_id")),
        last_four_digits=text(reply.get("last_four_digits")),
        credential_id=text(reply.get("credential_id")),
    )


def _call_permission(reply: dict[str, Any]) -> CallPermission:
    return CallPermission(
        response=_need(reply.get("response"), "response"),
        expiration_timestamp=whole(reply.get("expiration_timestamp")),
        is_permanent=flag(reply.get("is_permanent")),
        response_source=text(reply.get("response_source")),
    )


def _order(element: dict[str, Any]) -> Order:
    order = element["order"]
    return Order(
        items=objects(order.get("product_items")),
        catalog_id=text(order.get("catalog_id")),
        text=text(order.get("text")),
    )


def _edit(element: dict[str, Any]) -> Edit:
    edit = element["edit"]
    original = _need(edit.get("original_message_id"), "edit.original_message_id")
    return Edit(original_wamid=original, content=read_content(edit["message"]))


def _revoke(element: dict[str, Any]) -> Revoke:
    original = element["revoke"].get("original_message_id")
    return Revoke(original_wamid=_need(original, "revoke.original_message_id"))


_READERS: Final[dict[str, Reader]] = {
    "text": _text,
    **{kind.value: partial(_media, kind) for kind in MediaKind},
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": _template_button,
    "interactive": _interactive,
    "order": _order,
    "edit": _edit,
    "revoke": _revoke,
}
_INTERACTIVE: Final[dict[str, Reader]] = {
    "button_reply": _button_reply,
    "list_reply": _list_reply,
    "nfm_reply": _flow_reply,
    "payment_method": _payment_method,
    "call_permission_reply": _call_permission,
}
