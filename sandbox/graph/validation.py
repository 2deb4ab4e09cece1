"""What a message must look like to be accepted: Meta's limits, one function per type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.graph.errors import GraphError, invalid, required, too_long

Body = dict[str, Any]

MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
INTERACTIVE_TYPES = (
    "button", "list", "cta_url", "flow", "location_request_message", "call_permission_request",
    "contact_request", "order_details", "order_status", "catalog_message", "product",
    "product_list", "carousel", "address_message",
)  # fmt: skip


def _object(parent: Body, key: str, path: str) -> Body:
    value = parent.get(key)
    if value is None:
        raise required(path)
    if not isinstance(value, dict):
        raise GraphError(
            100, f"{path} must be an object.", message=f"(#100) Param {path} must be an object."
        )
    return value


def _text(parent: Body, key: str, path: str, limit: int, *, need: bool = True) -> str:
    value = parent.get(key)
    if value is None or value == "":
        if need:
            raise required(path)
        return ""
    if not isinstance(value, str):
        raise GraphError(
            100, f"{path} must be a string.", message=f"(#100) Param {path} must be a string."
        )
    if need and not value.strip():
        raise required(path)
    if len(value) > limit:
        raise too_long(path, limit)
    return value


def check_envelope(body: Any) -> Body:
    """The keys every message has; returns the body."""
    if not isinstance(body, dict):
        raise GraphError(100, "The request body must be a JSON object.")
    if body.get("messaging_product") != "whatsapp":
        raise required("messaging_product")
    callback = body.get("biz_opaque_callback_data")
    if callback is not None and (not isinstance(callback, str) or len(callback) > 512):
        raise too_long("biz_opaque_callback_data", 512)
    return body


def check_message(body: Body) -> str:
    """Validate the content of a send; returns its type."""
    kind = body.get("type", "text")
    checker = _CHECKERS.get(kind) if isinstance(kind, str) else None
    if checker is None:
        allowed = ", ".join(sorted(_CHECKERS))
        raise GraphError(
            100, f"Param type must be one of {{{allowed}}}.", message="(#100) Invalid parameter"
        )
    checker(_object(body, kind, kind) if kind != "contacts" else body)
    context = body.get("context")
    if context is not None and not (isinstance(context, dict) and context.get("message_id")):
        raise required("context['message_id']")
    return str(kind)


def _check_text(text: Body) -> None:
    _text(text, "body", "text['body']", 4096)


def _media(kind: str) -> Callable[[Body], None]:
    def check(media: Body) -> None:
        if bool(media.get("id")) == bool(media.get("link")):
            raise GraphError(100, f"{kind} needs exactly one of id and link.")
        link = media.get("link")
        if link and not str(link).startswith(("https://", "http://")):
            raise invalid(f"{kind}['link'] is not a valid URL.")
        if kind in ("audio", "sticker") and media.get("caption"):
            raise GraphError(100, f"{kind} cannot have a caption.")
        _text(media, "caption", f"{kind}['caption']", 1024, need=False)
        if kind == "document":
            _text(media, "filename", "document['filename']", 240, need=False)

    return check


def _check_location(location: Body) -> None:
    for key, bound in (("latitude", 90.0), ("longitude", 180.0)):
        if key not in location:
            raise required(f"location['{key}']")
        try:
            value = float(location[key])
        except (TypeError, ValueError) as error:
            raise invalid(f"location['{key}'] is not a number.") from error
        if abs(value) > bound:
            raise invalid(f"location['{key}'] is out of range.")


def _check_contacts(body: Body) -> None:
    cards = body.get("contacts")
    if not isinstance(cards, list) or not cards:
        raise required("contacts")
    for card in cards:
        name = card.get("name") if isinstance(card, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise GraphError(131008, "contacts[].name.formatted_name is missing.")
        if not set(name) - {"formatted_name"}:
            raise invalid("contacts[].name needs one more part besides formatted_name.")


def _check_reaction(reaction: Body) -> None:
    _text(reaction, "message_id", "reaction['message_id']", 128)
    if "emoji" not in reaction:
        raise required("reaction['emoji']")
    if len(str(reaction["emoji"])) > 16:
        raise invalid("reaction['emoji'] must be a single emoji.")


def _check_template(template: Body) -> None:
    if not template.get("name"):
        raise GraphError(131008, "template.name is missing.")
    language = template.get("language")
    if not isinstance(language, dict) or not language.get("code"):
        raise GraphError(131008, "template.language.code is missing.")
    _text(template, "name", "template['name']", 512)
    components = template.get("components", [])
    if not isinstance(components, list):
        raise GraphError(100, "template.components must be an array.")


# -- interactive


def _check_interactive(interactive: Body) -> None:
    kind = interactive.get("type")
    if kind not in INTERACTIVE_TYPES:
        raise invalid(f"interactive.type must be one of {', '.join(INTERACTIVE_TYPES)}.")
    if kind not in ("product", "call_permission_request"):
        body = _object(interactive, "body", "interactive['body']")
        limit = 4096 if kind == "list" else 1024
        _text(body, "text", "interactive['body']['text']", limit)
    footer = interactive.get("footer")
    if footer is not None:
        _text(_object(interactive, "footer", "interactive['footer']"), "text", "footer", 60)
    _check_header(interactive, kind)
    action = _object(interactive, "action", "interactive['action']")
    special = _ACTIONS.get(str(kind))
    if special is not None:
        special(action)
    elif "name" not in action and kind not in ("product", "product_list", "carousel"):
        raise GraphError(131008, "interactive.action.name is missing.")


def _check_header(interactive: Body, kind: Any) -> None:
    header = interactive.get("header")
    if header is None:
        return
    header = _object(interactive, "header", "interactive['header']")
    header_kind = header.get("type")
    if kind == "list" and header_kind != "text":
        raise invalid("A list message can only have a text header.")
    if header_kind == "text":
        _text(header, "text", "interactive['header']['text']", 60)
    elif header_kind in ("image", "video", "document"):
        _media(header_kind)(_object(header, header_kind, f"header['{header_kind}']"))
    else:
        raise invalid("interactive.header.type must be text, image, video or document.")


def _check_buttons(action: Body) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise invalid("interactive.action.buttons must have 1 to 3 elements.")
    replies = []
    for button in buttons:
        if not isinstance(button, dict) or button.get("type") != "reply":
            raise invalid("Each button must be of type reply.")
        reply = _object(button, "reply", "button['reply']")
        replies.append(
            (_text(reply, "id", "reply['id']", 256), _text(reply, "title", "reply['title']", 20))
        )
    _distinct([r[0] for r in replies], "button ids")
    _distinct([r[1] for r in replies], "button titles")


def _check_list(action: Body) -> None:
    _text(action, "button", "interactive['action']['button']", 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise invalid("interactive.action.sections must have 1 to 10 elements.")
    ids: list[str] = []
    for section in sections:
        _text(section, "title", "section['title']", 24, need=len(sections) > 1)
        rows = section.get("rows")
        if not isinstance(rows, list) or not rows:
            raise invalid("Each section needs rows.")
        for row in rows:
            ids.append(_text(row, "id", "row['id']", 200))
            _text(row, "title", "row['title']", 24)
            _text(row, "description", "row['description']", 72, need=False)
    if len(ids) > 10:
        raise invalid("A list message has at most 10 rows in total.")
    _distinct(ids, "row ids")


def _check_cta(action: Body) -> None:
    parameters = _object(action, "parameters", "interactive['action']['parameters']")
    _text(parameters, "display_text", "display_text", 20)
    url = _text(parameters, "url", "url", 2000)
    if not url.startswith(("https://", "http://")):
        raise invalid("interactive.action.parameters.url is not a valid URL.")


def _check_order(action: Body) -> None:
    """Totals must add up (reference 10.1); amounts are integers with offset 100."""
    order = _object(action, "parameters", "interactive['action']['parameters']")
    _text(order, "reference_id", "reference_id", 60)
    items = order.get("order", {}).get("items")
    if items is None:
        return
    subtotal = sum(
        (i.get("sale_amount") or i.get("amount") or {}).get("value", 0) * i.get("quantity", 0)
        for i in items
    )
    parts = {
        name: (order["order"].get(name) or {}).get("value", 0)
        for name in ("subtotal", "tax", "shipping", "discount")
    }
    if parts["subtotal"] != subtotal:
        raise invalid("order.subtotal is not the sum of the items.")
    total = parts["subtotal"] + parts["tax"] + parts["shipping"] - parts["discount"]
    if (order.get("total_amount") or {}).get("value") != total:
        raise invalid("total_amount does not match subtotal + tax + shipping - discount.")


def _distinct(values: list[str], what: str) -> None:
    if len(set(values)) != len(values):
        raise invalid(f"Duplicated {what} are not allowed.")


_ACTIONS: dict[str, Callable[[Body], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta,
    "order_details": _check_order,
}
_CHECKERS: dict[Any, Callable[[Body], None]] = {
    "text": _check_text,
    "location": _check_location,
    "contacts": _check_contacts,
    "reaction": _check_reaction,
    "template": _check_template,
    "interactive": _check_interactive,
    **{kind: _media(kind) for kind in MEDIA_TYPES},
}
