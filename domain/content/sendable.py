"""Meta's limits on what we send, said before the call instead of by an error code after it.

Lengths are counted in UTF-16 units: Meta may count an emoji as more than one character, so this
errs on the side that is accepted.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, assert_never
from urllib.parse import urlsplit

from domain.content.kinds import (
    ButtonReply,
    Buttons,
    CallPermission,
    ChoiceList,
    Contacts,
    Content,
    CtaUrl,
    Edit,
    FlowReply,
    ListReply,
    Location,
    Media,
    MediaKind,
    Order,
    PaymentMethod,
    Reaction,
    Revoke,
    System,
    Template,
    Text,
    Unsupported,
)
from domain.errors import InvalidInputError
from domain.storable import UNSTORABLE

TEXT_BODY_MAX: Final = 4096
CAPTION_MAX: Final = 1024
FILENAME_MAX: Final = 240
BUTTONS_MAX: Final = 3
BUTTON_ID_MAX: Final = 256
BUTTON_TITLE_MAX: Final = 20
INTERACTIVE_BODY_MAX: Final = 1024
HEADER_MAX: Final = 60
FOOTER_MAX: Final = 60
LIST_BODY_MAX: Final = 4096
LIST_SECTIONS_MAX: Final = 10
LIST_ROWS_MAX: Final = 10
ROW_ID_MAX: Final = 200
ROW_TITLE_MAX: Final = 24
ROW_DESCRIPTION_MAX: Final = 72
SECTION_TITLE_MAX: Final = 24
TEMPLATE_NAME_MAX: Final = 512
CARDS_MAX: Final = 257
CALLBACK_DATA_MAX: Final = 512

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
_CAPTIONED: Final = frozenset({MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.DOCUMENT})
_HEADERS: Final = frozenset({MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.DOCUMENT})


def length(text: str) -> int:
    """The length Meta may count: UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def check_sendable(content: Content) -> None:  # noqa: C901 -- one line per kind of a closed union
    """Raises InvalidInputError saying which part is wrong and the limit; the content is not changed."""
    match content:
        case Text():
            check_text("text.body", content.body, TEXT_BODY_MAX)
        case Media():
            _check_media(content.kind.value, content)
        case Location():
            _check_location(content)
        case Contacts():
            _check_count("contacts.cards", content.cards, CARDS_MAX)
        case Reaction():
            check_text("reaction.target_wamid", content.target_wamid, None)
        case Buttons():
            _check_buttons(content)
        case ChoiceList():
            _check_list(content)
        case CtaUrl():
            _check_cta_url(content)
        case Template():
            check_text("template.name", content.name, TEMPLATE_NAME_MAX)
            check_text("template.language", content.language, None)
        case (
            ButtonReply() | ListReply() | FlowReply() | PaymentMethod() | CallPermission()
            | Order() | System() | Unsupported() | Edit() | Revoke()
        ):  # fmt: skip
            raise InvalidInputError(content.kind, "can be received but not sent")
        case _:
            assert_never(content)


def check_text(where: str, text: str, limit: int | None) -> None:
    """Refuses a text that shows nothing, holds what cannot be stored, or is longer than `limit`."""
    if all(unicodedata.category(character) in _INVISIBLE for character in text):
        raise InvalidInputError(where, "is empty; at least one visible character is needed")
    if UNSTORABLE.search(text):
        raise InvalidInputError(where, "holds a character that cannot be stored or sent")
    if limit is not None and len(text) * 2 > limit and length(text) > limit:
        raise InvalidInputError(where, f"has {length(text)} characters; the limit is {limit}")


def _check_media(where: str, media: Media) -> None:
    if (media.media_id is None) == (media.link is None):
        raise InvalidInputError(where, "needs either media_id or link, and not both")
    if media.link is not None:
        _check_url(f"{where}.link", media.link)
    if media.caption is not None:
        if media.kind not in _CAPTIONED:
            raise InvalidInputError(f"{where}.caption", "is possible on image, video and document")
        check_text(f"{where}.caption", media.caption, CAPTION_MAX)
    if media.filename is not None:
        check_text(f"{where}.filename", media.filename, FILENAME_MAX)


def _check_location(place: Location) -> None:
    for name, value, limit in (
        ("latitude", place.latitude, 90),
        ("longitude", place.longitude, 180),
    ):
        if not math.isfinite(value) or abs(value) > limit:
            raise InvalidInputError(f"location.{name}", f"must be between -{limit} and {limit}")


def _check_buttons(content: Buttons) -> None:
    check_text("buttons.body", content.body, INTERACTIVE_BODY_MAX)
    _check_count("buttons.buttons", content.buttons, BUTTONS_MAX)
    for n, button in enumerate(content.buttons):
        check_text(f"buttons.buttons[{n}].id", button.id, BUTTON_ID_MAX)
        check_text(f"buttons.buttons[{n}].title", button.title, BUTTON_TITLE_MAX)
    _check_unique("buttons.buttons", "id", (button.id for button in content.buttons))
    _check_unique("buttons.buttons", "title", (button.title for button in content.buttons))
    _check_frame("buttons", content.header, content.footer)


def _check_cta_url(content: CtaUrl) -> None:
    check_text("cta_url.body", content.body, INTERACTIVE_BODY_MAX)
    check_text("cta_url.display_text", content.display_text, BUTTON_TITLE_MAX)
    _check_url("cta_url.url", content.url)
    _check_frame("cta_url", content.header, content.footer)


def _check_list(content: ChoiceList) -> None:
    check_text("list.body", content.body, LIST_BODY_MAX)
    check_text("list.button", content.button, BUTTON_TITLE_MAX)
    _check_count("list.sections", content.sections, LIST_SECTIONS_MAX)
    rows = [row for section in content.sections for row in section.rows]
    _check_count("list.rows", rows, LIST_ROWS_MAX)
    for n, section in enumerate(content.sections):
        where = f"list.sections[{n}]"
        _check_count(f"{where}.rows", section.rows, LIST_ROWS_MAX)
        if section.title is not None:
            check_text(f"{where}.title", section.title, SECTION_TITLE_MAX)
        elif len(content.sections) > 1:
            raise InvalidInputError(f"{where}.title", "is needed when there are several sections")
        for m, row in enumerate(section.rows):
            check_text(f"{where}.rows[{m}].id", row.id, ROW_ID_MAX)
            check_text(f"{where}.rows[{m}].title", row.title, ROW_TITLE_MAX)
            if row.description is not None:
                check_text(f"{where}.rows[{m}].description", row.description, ROW_DESCRIPTION_MAX)
    _check_unique("list.rows", "id", (row.id for row in rows))
    _check_frame("list", content.header, content.footer)


def _check_frame(where: str, header: str | Media | None, footer: str | None) -> None:
    if isinstance(header, Media):
        if header.kind not in _HEADERS:
            raise InvalidInputError(f"{where}.header", "must be text, image, video or document")
        _check_media(f"{where}.header", header)
    elif header is not None:
        check_text(f"{where}.header", header, HEADER_MAX)
    if footer is not None:
        check_text(f"{where}.footer", footer, FOOTER_MAX)


def _check_count(where: str, items: Sequence[object], limit: int) -> None:
    if not 1 <= len(items) <= limit:
        raise InvalidInputError(where, f"has {len(items)} entries; 1 to {limit} are allowed")


def _check_unique(where: str, what: str, values: Iterable[str]) -> None:
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise InvalidInputError(where, f"uses the {what} {twice[0]!r} more than once")


def _check_url(where: str, url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise InvalidInputError(where, "is not an address") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInputError(where, "must be a full address beginning with https://")
