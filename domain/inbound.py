"""Everything a webhook may carry: one closed union of items of our own, told apart by `kind`.

Every item knows where it came from (`field`, `waba_id`, `phone_number_id`), its `dedupe_key` (equal for
the same update delivered twice, different for any other) and the `raw` element it was read from.
`to_json` leaves `raw` out: it is stored beside it. Ids are Meta's, opaque, kept verbatim.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeAlias, cast, get_args

from domain import record
from domain.content import Content, System
from domain.delivery import DeliveryStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    kind: ClassVar[str]
    field: str
    waba_id: str | None = None
    phone_number_id: str | None = None
    raw: dict[str, Any] = dataclasses.field(
        default_factory=dict, compare=False, repr=False, metadata=record.NOT_STORED
    )

    def to_json(self) -> dict[str, Any]:
        return record.to_json(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _HashedItem(_Item):
    """An item without an id of Meta's: its key is the hash of the envelope's and its own content."""

    dedupe_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaError:
    """An error as Meta words it; decide on `code`, show `details`."""

    code: int | None = None
    title: str | None = None
    message: str | None = None
    details: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who wrote: any of the ids may be missing, a person with a username often has no `wa_id`."""

    wa_id: str | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    name: str | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferredProduct:
    catalog_id: str | None = None
    product_retailer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """The click-to-WhatsApp ad or page post the first message came from; every field may be missing."""

    source_type: str | None = None
    source_id: str | None = None
    source_url: str | None = None
    headline: str | None = None
    body: str | None = None
    media_type: str | None = None
    image_url: str | None = None
    video_url: str | None = None
    thumbnail_url: str | None = None
    ctwa_clid: str | None = None
    welcome_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage(_Item):
    """A message of a contact. `sent_at` is Meta's time, or the arrival where Meta's is unusable."""

    kind: ClassVar[str] = "message"
    wamid: str
    sender: Sender
    sent_at: datetime
    content: Content
    reply_to_wamid: str | None = None
    forwarded: bool = False
    frequently_forwarded: bool = False
    referred_product: ReferredProduct | None = None
    referral: Referral | None = None
    group_id: str | None = None
    identity_key_hash: str | None = None
    errors: tuple[MetaError, ...] = ()

    @property
    def dedupe_key(self) -> str:
        return f"msg:{self.wamid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What Meta charges for a message; decide on `type` and `category`, `billable` is going away."""

    type: str | None = None
    category: str | None = None
    subtype: str | None = None
    model: str | None = None
    billable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate(_Item):
    """What became of a message of ours. It may come before the answer to the send, or never.

    In a group `group_id` is set and the recipient is the participant. `callback_data` is our attempt id.
    """

    kind: ClassVar[str] = "status"
    wamid: str
    status: DeliveryStatus
    at: datetime
    recipient_wa_id: str | None = None
    recipient_bsuid: str | None = None
    recipient_parent_bsuid: str | None = None
    group_id: str | None = None
    callback_data: str | None = None
    errors: tuple[MetaError, ...] = ()
    pricing: Pricing | None = None
    conversation_origin: str | None = None
    conversation_expiration: datetime | None = None
    identity_key_hash: str | None = None

    @property
    def dedupe_key(self) -> str:
        recipient = self.recipient_wa_id or self.recipient_bsuid or ""
        return f"st:{self.wamid}:{self.status}:{recipient}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEcho(_Item):
    """A message that a person of ours sent from the phone app, or another partner through its own API."""

    kind: ClassVar[str] = "echo"
    wamid: str
    sent_at: datetime
    content: Content
    to_wa_id: str | None = None
    to_bsuid: str | None = None
    to_parent_bsuid: str | None = None
    reply_to_wamid: str | None = None

    @property
    def dedupe_key(self) -> str:
        return f"echo:{self.wamid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChange(_Item):
    """A notice that a contact's number, id or device changed: no words of theirs, opens no window.

    A changed number is no proof of the same person. `change` is Meta's word: user_changed_number,
    user_changed_user_id, customer_changed_number, customer_identity_changed, or one not known yet.
    """

    kind: ClassVar[str] = "identity"
    wamid: str
    change: str
    at: datetime
    old_wa_id: str | None = None
    new_wa_id: str | None = None
    bsuid: str | None = None
    previous_bsuid: str | None = None
    body: str | None = None
    identity_key_hash: str | None = None
    acknowledged: bool = False

    @property
    def dedupe_key(self) -> str:
        return f"msg:{self.wamid}"

    @property
    def content(self) -> System:
        """The notice as a line of the conversation."""
        ids = {"user_id": self.bsuid, "previous_user_id": self.previous_bsuid}
        return System(type=self.change, body=self.body, wa_id=self.new_wa_id, **ids)


class Preference(StrEnum):
    STOP = "stop"
    RESUME = "resume"
    SIGNUP = "signup"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceChange(_HashedItem):
    """A contact stopped or resumed our marketing templates at Meta; nothing about other messages."""

    kind: ClassVar[str] = "preference"
    preference: Preference
    at: datetime
    wa_id: str | None = None
    bsuid: str | None = None
    parent_bsuid: str | None = None
    category: str | None = None
    detail: str | None = None
    signup_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberUpdate(_HashedItem):
    """News of one business number (quality, throughput, name). Meta names it by `display_phone` only."""

    kind: ClassVar[str] = "number"
    at: datetime
    display_phone: str | None = None
    event: str | None = None
    current_limit: str | None = None
    old_limit: str | None = None
    portfolio_limit: str | None = None
    decision: str | None = None
    requested_name: str | None = None
    rejection_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    type: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate(_HashedItem):
    """News of the account: review, ban, violation, restriction, limits, partners."""

    kind: ClassVar[str] = "account"
    at: datetime
    event: str | None = None
    decision: str | None = None
    ban_state: str | None = None
    ban_date: str | None = None  # Meta writes it out: "April 17, 2025"
    violation_type: str | None = None
    restrictions: tuple[Restriction, ...] = ()
    country: str | None = None
    portfolio_limit: str | None = None
    max_phone_numbers: int | None = None

    @property
    def stops_campaigns(self) -> bool:
        """Whether business-initiated sending has to stop now and a person has to look."""
        if self.event == "DISABLED_UPDATE":
            return self.ban_state != "REINSTATE"
        return self.event in {"ACCOUNT_RESTRICTION", "ACCOUNT_VIOLATION", "ACCOUNT_DELETED"}


class TemplateTopic(StrEnum):
    STATUS = "status"
    QUALITY = "quality"
    COMPONENTS = "components"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUpdate(_HashedItem):
    """News of one template. `language` always has the underscore that sending needs (`pt_BR`).

    Of a category that is about to change `new_category` is the present one and `correct_category` what it
    becomes at `category_changes_at`; of one that changed there is `previous_category`.
    """

    kind: ClassVar[str] = "template"
    topic: TemplateTopic
    at: datetime
    template_id: str | None = None
    name: str | None = None
    language: str | None = None
    event: str | None = None
    reason: str | None = None
    detail: str | None = None
    category: str | None = None
    previous_category: str | None = None
    new_category: str | None = None
    correct_category: str | None = None
    category_changes_at: datetime | None = None
    quality: str | None = None
    previous_quality: str | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryMessage:
    """One message of long ago; `from_business` tells whose. Never fresh, never to be answered."""

    wamid: str | None
    content: Content
    from_business: bool
    sent_at: datetime | None = None
    wa_id: str | None = None
    bsuid: str | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryImport(_HashedItem):
    """A chunk of the phone app's history, or media that follow one (`phase` None). `declined`: not shared."""

    kind: ClassVar[str] = "history"
    phase: int | None = None
    chunk_order: int | None = None
    progress: int | None = None
    messages: tuple[HistoryMessage, ...] = ()
    errors: tuple[MetaError, ...] = ()

    @property
    def declined(self) -> bool:
        return any(error.code == 2593109 for error in self.errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueErrors(_HashedItem):
    """Errors that belong to no message, such as an exceeded throughput (130429)."""

    kind: ClassVar[str] = "errors"
    errors: tuple[MetaError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallUpdate(_HashedItem):
    """A voice call: `event` is connect, terminate or status; `status` Meta's word. Its id is no wamid."""

    kind: ClassVar[str] = "call"
    call_id: str
    event: str
    at: datetime
    status: str | None = None
    direction: str | None = None
    wa_id: str | None = None
    bsuid: str | None = None
    name: str | None = None
    duration_s: int | None = None
    callback_data: str | None = None
    errors: tuple[MetaError, ...] = ()

    @property
    def opens_window(self) -> bool:
        """A call of the contact's opens the 24-hour window as a message does."""
        return self.event == "connect" and self.direction == "USER_INITIATED"


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUpdate(_HashedItem):
    """A field we store and count but do not use; `topic` says what is inside, `value` is Meta's own."""

    kind: ClassVar[str] = "other"
    topic: str
    at: datetime
    value: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unparsed(_HashedItem):
    """An element that could not be read: kept whole in `value` with the reason, for a person to look at."""

    kind: ClassVar[str] = "unparsed"
    reason: str
    at: datetime
    value: Any


InboundItem: TypeAlias = (
    InboundMessage | StatusUpdate | AppEcho | IdentityChange | PreferenceChange | NumberUpdate
    | AccountUpdate | TemplateUpdate | HistoryImport | ValueErrors | CallUpdate | OtherUpdate
    | Unparsed
)  # fmt: skip

ITEM_TYPES: Final = get_args(InboundItem)


def item_to_json(item: InboundItem) -> dict[str, Any]:
    """The item as compact JSON values with its `kind`, without `raw`."""
    return record.to_json(item)


def item_from_json(data: object) -> InboundItem:
    """The item of stored JSON (`raw` empty). Raises InvalidInputError naming the field that is wrong."""
    return cast("InboundItem", record.one_of(ITEM_TYPES, data))
