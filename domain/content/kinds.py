"""What a message holds: one closed union, told apart by `kind`, stored as the JSON of `content_to_json`.

The same union serves inbound and outbound; what may leave is checked by `check_sendable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeAlias, cast

from domain import record


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    kind: ClassVar[str] = "text"
    body: str
    preview_url: bool = False


class MediaKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    STICKER = "sticker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A file. Inbound it has a `media_id` (valid 7 days); outbound either that or a public `link`.

    `media_id` is bound to the physical number that received or uploaded it. `sha256` is base64 in
    webhooks and hexadecimal elsewhere. `voice` tells a recorded voice note from an audio file.
    """

    kind: MediaKind
    media_id: str | None = None
    link: str | None = None
    caption: str | None = None
    filename: str | None = None
    mime_type: str | None = None
    sha256: str | None = None
    voice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in degrees; `name`, `address` and `url` only when a place was chosen."""

    kind: ClassVar[str] = "location"
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Address cards in Meta's own shape; `origin` is `contact_request` when we had asked for it."""

    kind: ClassVar[str] = "contacts"
    cards: tuple[dict[str, Any], ...]
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """An emoji on another message; `emoji` None takes the reaction back."""

    kind: ClassVar[str] = "reaction"
    target_wamid: str
    emoji: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """Up to three reply buttons under a text; the header is a line of text or a file."""

    kind: ClassVar[str] = "buttons"
    body: str
    buttons: tuple[Button, ...]
    header: str | Media | None = None
    footer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSection:
    rows: tuple[ListRow, ...]
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceList:
    """Up to ten rows behind one button."""

    kind: ClassVar[str] = "list"
    body: str
    button: str
    sections: tuple[ListSection, ...]
    header: str | None = None
    footer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CtaUrl:
    """A text with one button that opens a link."""

    kind: ClassVar[str] = "cta_url"
    body: str
    display_text: str
    url: str
    header: str | Media | None = None
    footer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An approved template with Meta's raw components; `preview` is the wording as rendered by us."""

    kind: ClassVar[str] = "template"
    name: str
    language: str
    components: tuple[dict[str, Any], ...] = ()
    preview: str | None = None


class ReplySource(StrEnum):
    INTERACTIVE = "interactive"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonReply:
    """A pressed button; of a template `id` is the payload sent with it, or its label."""

    kind: ClassVar[str] = "button_reply"
    id: str
    title: str
    source: ReplySource = ReplySource.INTERACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReply:
    kind: ClassVar[str] = "list_reply"
    id: str
    title: str
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowReply:
    """A filled form. `response` is what the user entered: not validated by anybody yet.

    An answer that is no JSON object is kept as `{"unparsed": text}`.
    """

    kind: ClassVar[str] = "flow_reply"
    response: dict[str, Any]
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """The stored card the user chose on an order card (Brazil); charging is the provider's work."""

    kind: ClassVar[str] = "payment_method"
    payment_method: str | None = None
    payment_timestamp: int | None = None
    reference_id: str | None = None
    last_four_digits: str | None = None
    credential_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPermission:
    """`response` is accept or reject; `expiration_timestamp` in epoch seconds."""

    kind: ClassVar[str] = "call_permission"
    response: str
    expiration_timestamp: int | None = None
    is_permanent: bool = False
    response_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A cart sent from the catalogue; `items` in Meta's own shape, prices are what the phone showed."""

    kind: ClassVar[str] = "order"
    items: tuple[dict[str, Any], ...]
    catalog_id: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A notice of Meta's about the contact: not words of theirs, opens no window, gets no answer."""

    kind: ClassVar[str] = "system"
    type: str
    body: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    previous_user_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """What Meta would not pass on or we cannot read; `type` is Meta's sub-type, `raw_type` the message's."""

    kind: ClassVar[str] = "unsupported"
    type: str | None = None
    raw_type: str | None = None
    errors: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A message of theirs rewritten (numbers shared with the phone app only)."""

    kind: ClassVar[str] = "edit"
    original_wamid: str
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    kind: ClassVar[str] = "revoke"
    original_wamid: str


Outbound: TypeAlias = (
    Text | Media | Location | Contacts | Reaction | Buttons | ChoiceList | CtaUrl | Template
)
InboundOnly: TypeAlias = (
    ButtonReply | ListReply | FlowReply | PaymentMethod | CallPermission | Order
    | System | Unsupported | Edit | Revoke
)  # fmt: skip
Content: TypeAlias = Outbound | InboundOnly

CONTENT_TYPES: Final = (
    Text, Media, Location, Contacts, Reaction, Buttons, ChoiceList, CtaUrl, Template,
    ButtonReply, ListReply, FlowReply, PaymentMethod, CallPermission, Order,
    System, Unsupported, Edit, Revoke,
)  # fmt: skip


def content_to_json(content: Content) -> dict[str, Any]:
    """The content as JSON values; fields that have their default are left out."""
    return record.to_json(content)


def content_from_json(data: object) -> Content:
    """The content of stored or posted JSON. Raises InvalidInputError naming the field that is wrong."""
    return cast("Content", record.one_of(CONTENT_TYPES, data))
