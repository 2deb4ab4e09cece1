"""The elements of message-like fields: messages, statuses, echoes, history, calls, preferences."""

from __future__ import annotations

from typing import Any, Final

from domain.delivery import FROM_META, DeliveryStatus
from domain.inbound import (
    AppEcho,
    CallUpdate,
    HistoryImport,
    HistoryMessage,
    IdentityChange,
    InboundItem,
    InboundMessage,
    Preference,
    PreferenceChange,
    Pricing,
    Referral,
    ReferredProduct,
    Sender,
    StatusUpdate,
)
from domain.phone import canonical
from integrations.whatsapp.inbound_content import read_content
from integrations.whatsapp.loose import (
    UnreadableError,
    flag,
    many,
    moment,
    obj,
    objects,
    text,
    whole,
)
from integrations.whatsapp.origin import Origin, meta_errors, other

_STATUSES: Final = {status.value: status for status in FROM_META}
_PREFERENCES: Final = {preference.value: preference for preference in Preference}
_RETIRED: Final = frozenset({"request_welcome"})


def read_message(element: dict[str, Any], origin: Origin) -> InboundItem:
    """One element of `messages[]` under the field `messages`, and nowhere else."""
    wamid = text(element.get("id"))
    if wamid is None:
        raise UnreadableError("the message has no id")
    kind = element.get("type")
    if kind == "system":
        return _identity(wamid, element, origin)
    if kind in _RETIRED:
        return other(origin, str(kind), element, at=origin.at(element.get("timestamp")))
    context = obj(element.get("context"))
    product = context.get("referred_product")
    referral = element.get("referral")
    errors = element.get("errors")
    sender, hash_ = _sender(element, origin)
    return InboundMessage(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        wamid=wamid,
        sender=sender,
        sent_at=origin.at(element.get("timestamp")),
        content=read_content(element),
        reply_to_wamid=text(context.get("id")),
        forwarded=flag(context.get("forwarded")) or flag(context.get("frequently_forwarded")),
        frequently_forwarded=flag(context.get("frequently_forwarded")),
        referred_product=_product(product) if product else None,
        referral=_referral(obj(referral)) if referral else None,
        group_id=text(element.get("group_id")),
        identity_key_hash=hash_,
        errors=meta_errors(errors),
    )


def _sender(element: dict[str, Any], origin: Origin) -> tuple[Sender, str | None]:
    wa_id = _wa_id(element.get("from"))
    bsuid = text(element.get("from_user_id"))
    contact = origin.contact(wa_id, bsuid)
    profile = obj(contact.get("profile"))
    username = text(profile.get("username"))
    sender = Sender(
        wa_id=wa_id or _wa_id(contact.get("wa_id")),
        bsuid=bsuid or text(contact.get("user_id")),
        parent_bsuid=text(element.get("from_parent_user_id"))
        or text(contact.get("parent_user_id")),
        name=text(profile.get("name")),
        username=username.removeprefix("@") or None if username else None,
    )
    identity = obj(element.get("identity")).get("hash")
    return sender, text(contact.get("identity_key_hash")) or text(identity)


def _wa_id(value: Any) -> str | None:
    found = text(value)
    return found.removeprefix("+") or None if found else None


def _product(value: Any) -> ReferredProduct:
    product = obj(value)
    return ReferredProduct(
        catalog_id=text(product.get("catalog_id")),
        product_retailer_id=text(product.get("product_retailer_id")),
    )


def _referral(value: dict[str, Any]) -> Referral:
    return Referral(
        source_type=text(value.get("source_type")),
        source_id=text(value.get("source_id")),
        source_url=text(value.get("source_url")),
        headline=text(value.get("headline")),
        body=text(value.get("body")),
        media_type=text(value.get("media_type")),
        image_url=text(value.get("image_url")),
        video_url=text(value.get("video_url")),
        thumbnail_url=text(value.get("thumbnail_url")),
        ctwa_clid=text(value.get("ctwa_clid")),
        welcome_message=text(obj(value.get("welcome_message")).get("text")),
    )


def _identity(wamid: str, element: dict[str, Any], origin: Origin) -> IdentityChange:
    system = obj(element.get("system"))
    identity = obj(element.get("identity"))
    sender = text(element.get("from_user_id"))
    return IdentityChange(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        wamid=wamid,
        change=text(system.get("type")) or "unknown",
        at=origin.at(element.get("timestamp")),
        old_wa_id=_wa_id(element.get("from")) or _wa_id(system.get("customer")),
        new_wa_id=_wa_id(system.get("wa_id")) or _wa_id(system.get("new_wa_id")),
        bsuid=text(system.get("user_id")) or sender,
        previous_bsuid=text(system.get("previous_user_id")),
        body=text(system.get("body")),
        identity_key_hash=text(identity.get("hash")) or text(system.get("identity")),
        acknowledged=flag(identity.get("acknowledged")),
    )


def read_status(element: dict[str, Any], origin: Origin) -> InboundItem:
    """One element of `statuses[]` under the field `messages`; a word we do not know is kept as Other."""
    wamid = text(element.get("id"))
    if wamid is None:
        raise UnreadableError("the status has no message id")
    word = text(element.get("status"))
    status: DeliveryStatus | None = _STATUSES.get(word or "")
    if status is None:
        return other(origin, f"status:{word}", element, at=origin.at(element.get("timestamp")))
    group = element.get("recipient_type") == "group"
    wa_id, bsuid = _recipient(element, group=group)
    contact = origin.contact(wa_id, bsuid) if wa_id or bsuid else {}
    conversation = obj(element.get("conversation"))
    pricing = obj(element.get("pricing"))
    return StatusUpdate(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        wamid=wamid,
        status=status,
        at=origin.at(element.get("timestamp")),
        recipient_wa_id=wa_id or _wa_id(contact.get("wa_id")),
        recipient_bsuid=bsuid or text(contact.get("user_id")),
        recipient_parent_bsuid=text(element.get("recipient_parent_user_id"))
        or text(element.get("parent_recipient_user_id"))
        or text(contact.get("parent_user_id")),
        group_id=text(element.get("recipient_id")) if group else None,
        callback_data=text(element.get("biz_opaque_callback_data")),
        errors=meta_errors(element.get("errors")),
        pricing=_pricing(pricing) if pricing else None,
        conversation_origin=text(obj(conversation.get("origin")).get("type")),
        conversation_expiration=moment(conversation.get("expiration_timestamp")),
        identity_key_hash=text(element.get("recipient_identity_key_hash")),
    )


def _recipient(element: dict[str, Any], *, group: bool) -> tuple[str | None, str | None]:
    if not group:
        return _wa_id(element.get("recipient_id")), text(element.get("recipient_user_id"))
    participant = element.get("recipient_participant_id") or element.get("participant_recipient_id")
    return _wa_id(participant), text(element.get("recipient_participant_user_id"))


def _pricing(value: dict[str, Any]) -> Pricing:
    category = text(value.get("category"))
    billable = value.get("billable")
    return Pricing(
        type=text(value.get("type")),
        category=category.replace("-", "_") if category else None,
        subtype=text(value.get("subtype")),
        model=text(value.get("pricing_model")),
        billable=billable if isinstance(billable, bool) else None,
    )


def read_echo(element: dict[str, Any], origin: Origin) -> InboundItem:
    """One element of `message_echoes[]`: what our own side sent without us."""
    wamid = text(element.get("id"))
    if wamid is None:
        raise UnreadableError("the echo has no id")
    return AppEcho(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        wamid=wamid,
        sent_at=origin.at(element.get("timestamp")),
        content=read_content(element),
        to_wa_id=_wa_id(element.get("to")),
        to_bsuid=text(element.get("to_user_id")),
        to_parent_bsuid=text(element.get("to_parent_user_id")),
        reply_to_wamid=text(obj(element.get("context")).get("id")),
    )


def read_preference(element: dict[str, Any], origin: Origin) -> InboundItem:
    """One element of `user_preferences[]`."""
    return PreferenceChange(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        dedupe_key=origin.key(element),
        preference=_PREFERENCES.get(text(element.get("value")) or "", Preference.OTHER),
        at=origin.at(element.get("timestamp")),
        wa_id=_wa_id(element.get("wa_id")),
        bsuid=text(element.get("user_id")),
        parent_bsuid=text(element.get("parent_user_id")),
        category=text(element.get("category")),
        detail=text(element.get("detail")),
        signup_id=text(element.get("signup_id")),
    )


def read_call(element: dict[str, Any], origin: Origin) -> InboundItem:
    """One element of `calls[]`, or of `statuses[]` under the field `calls`."""
    call_id = text(element.get("id"))
    if call_id is None:
        raise UnreadableError("the call has no id")
    event = text(element.get("event")) or "status"
    status = text(element.get("status"))
    direction = text(element.get("direction"))
    ours = direction == "BUSINESS_INITIATED"
    side = ("to", "to_user_id") if ours else ("from", "from_user_id")
    wa_id = _wa_id(element.get("recipient_id")) or _wa_id(element.get(side[0]))
    bsuid = text(element.get("recipient_user_id")) or text(element.get(side[1]))
    contact = origin.contact(wa_id, bsuid)
    return CallUpdate(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        dedupe_key=f"call:{call_id}:{event}:{status or ''}",
        call_id=call_id,
        event=event,
        at=origin.at(element.get("timestamp")),
        status=status,
        direction=direction,
        wa_id=wa_id or _wa_id(contact.get("wa_id")),
        bsuid=bsuid or text(contact.get("user_id")),
        name=text(obj(contact.get("profile")).get("name")),
        duration_s=whole(element.get("duration")),
        callback_data=text(element.get("biz_opaque_callback_data")),
        errors=meta_errors(element.get("errors")),
    )


def read_history(element: dict[str, Any], origin: Origin) -> InboundItem:
    """One element of `history[]`: a chunk of threads, or the refusal to share them."""
    metadata = obj(element.get("metadata"))
    messages = tuple(
        _old_message(message, origin, thread)
        for thread in objects(element.get("threads"))
        for message in objects(thread.get("messages"))
    )
    return HistoryImport(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=element,
        dedupe_key=origin.key(element),
        phase=whole(metadata.get("phase")),
        chunk_order=whole(metadata.get("chunk_order")),
        progress=whole(metadata.get("progress")),
        messages=messages,
        errors=meta_errors(element.get("errors")),
    )


def read_history_media(value: dict[str, Any], origin: Origin) -> InboundItem:
    """`messages[]` or `message_echoes[]` under the field `history`: media of long ago, never a fresh message."""
    theirs = (_old_message(m, origin, {}) for m in objects(value.get("messages")))
    echoes = many(value.get("message_echoes"))
    ours = (_old_message(m, origin, {}, ours=True) for m in objects(echoes))
    return HistoryImport(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=value,
        dedupe_key=origin.key(value),
        messages=(*theirs, *ours),
        errors=meta_errors(value.get("errors")),
    )


def _old_message(
    element: dict[str, Any], origin: Origin, thread: dict[str, Any], *, ours: bool = False
) -> HistoryMessage:
    sender = _wa_id(element.get("from"))
    business = origin.display_phone
    from_business = ours or "to" in element
    if sender is not None and business is not None:
        from_business = from_business or canonical(sender) == canonical(business)
    person = obj(thread.get("context"))
    side = ("to", "to_user_id") if from_business else ("from", "from_user_id")
    return HistoryMessage(
        wamid=text(element.get("id")),
        content=read_content(element),
        from_business=from_business,
        sent_at=moment(element.get("timestamp")),
        wa_id=_wa_id(person.get("wa_id"))
        or _wa_id(thread.get("id"))
        or _wa_id(element.get(side[0])),
        bsuid=text(person.get("user_id")) or text(element.get(side[1])),
        status=text(obj(element.get("history_context")).get("status")),
    )
