"""Our content as the body of `POST /{phone_number_id}/messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.content import (
    Buttons,
    ChoiceList,
    Contacts,
    Content,
    CtaUrl,
    Location,
    Media,
    MediaKind,
    Reaction,
    Template,
    Text,
    check_sendable,
)
from domain.content.sendable import CALLBACK_DATA_MAX
from domain.errors import InvalidInputError
from domain.phone import digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom to send to: the wa_id exactly as Meta gave it, or a business-scoped user id; `phone` wins."""

    phone: str | None = None
    bsuid: str | None = None

    def address(self) -> dict[str, str]:
        """`to` with its `+` (without it Meta may read a national number), or `recipient`."""
        if self.phone is not None:
            number = digits(self.phone)
            if len(number) < 7:
                raise InvalidInputError("to.phone", "is no phone number")
            return {"to": f"+{number}"}
        if not self.bsuid:
            raise InvalidInputError("to", "needs a phone or a business-scoped user id")
        return {"recipient": self.bsuid}


def message_body(
    to: Recipient, content: Content, callback_data: str, reply_to: str | None = None
) -> dict[str, Any]:
    """The request body. Raises InvalidInputError where `check_sendable` would, before anything is sent."""
    check_sendable(content)
    if len(callback_data) > CALLBACK_DATA_MAX:
        raise InvalidInputError("callback_data", f"is longer than {CALLBACK_DATA_MAX} characters")
    kind, payload = _payload(content)
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **to.address(),
        "type": kind,
        kind: payload,
        "biz_opaque_callback_data": callback_data,
    }
    if reply_to is not None and kind not in {
        "template",
        "reaction",
    }:  # Meta quotes nothing on these
        body["context"] = {"message_id": reply_to}
    return body


def _payload(content: Content) -> tuple[str, dict[str, Any] | list[Any]]:  # noqa: PLR0911 -- one line per kind
    match content:
        case Text():
            return "text", _text(content)
        case Media():
            return content.kind.value, _media(content)
        case Location():
            return "location", _location(content)
        case Contacts():
            return "contacts", list(content.cards)
        case Reaction():
            target = content.target_wamid
            return "reaction", {"message_id": target, "emoji": content.emoji or ""}
        case Buttons():
            return "interactive", _buttons(content)
        case ChoiceList():
            return "interactive", _list(content)
        case CtaUrl():
            return "interactive", _cta_url(content)
        case Template():
            return "template", _template(content)
        case _:
            raise InvalidInputError(content.kind, "can be received but not sent")


def _text(content: Text) -> dict[str, Any]:
    text: dict[str, Any] = {"body": content.body}
    if content.preview_url:
        text["preview_url"] = True
    return text


def _media(media: Media) -> dict[str, Any]:
    file: dict[str, Any] = {"id": media.media_id} if media.media_id else {"link": media.link}
    if media.caption is not None:
        file["caption"] = media.caption
    if media.filename is not None and media.kind is MediaKind.DOCUMENT:
        file["filename"] = media.filename
    if media.voice and media.kind is MediaKind.AUDIO:
        file["voice"] = True
    return file


def _location(place: Location) -> dict[str, Any]:
    body = {"latitude": str(place.latitude), "longitude": str(place.longitude)}
    if place.name is not None:
        body["name"] = place.name
    if place.address is not None:
        body["address"] = place.address
    return body


def _buttons(content: Buttons) -> dict[str, Any]:
    buttons = [
        {"type": "reply", "reply": {"id": button.id, "title": button.title}}
        for button in content.buttons
    ]
    return _interactive("button", content, {"buttons": buttons})


def _list(content: ChoiceList) -> dict[str, Any]:
    sections: list[dict[str, Any]] = []
    for section in content.sections:
        rows = [
            {"id": row.id, "title": row.title}
            | ({"description": row.description} if row.description is not None else {})
            for row in section.rows
        ]
        named = {"title": section.title} if section.title is not None else {}
        sections.append({**named, "rows": rows})
    return _interactive("list", content, {"button": content.button, "sections": sections})


def _cta_url(content: CtaUrl) -> dict[str, Any]:
    parameters = {"display_text": content.display_text, "url": content.url}
    return _interactive("cta_url", content, {"name": "cta_url", "parameters": parameters})


def _interactive(
    kind: str, content: Buttons | ChoiceList | CtaUrl, action: dict[str, Any]
) -> dict[str, Any]:
    body: dict[str, Any] = {"type": kind, "body": {"text": content.body}, "action": action}
    header = content.header
    if isinstance(header, Media):
        body["header"] = {"type": header.kind.value, header.kind.value: _header_file(header)}
    elif header is not None:
        body["header"] = {"type": "text", "text": header}
    if content.footer is not None:
        body["footer"] = {"text": content.footer}
    return body


def _header_file(media: Media) -> dict[str, Any]:
    file = _media(media)
    file.pop("caption", None)  # the body is the caption
    return file


def _template(content: Template) -> dict[str, Any]:
    template: dict[str, Any] = {"name": content.name, "language": {"code": content.language}}
    if content.components:
        template["components"] = list(content.components)
    return template
