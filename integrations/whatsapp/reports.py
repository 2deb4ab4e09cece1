"""What the Graph API answers, as our own values. Missing or unknown fields never fail a read."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from integrations.whatsapp.loose import flag, obj, objects, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class SendResult:
    """Meta took the message: accepted, not delivered. `wa_id` may differ from what was sent to (Brazil).

    `message_status` is said of templates: accepted, held_for_quality_assessment or paused.
    """

    wamid: str
    wa_id: str | None = None
    bsuid: str | None = None
    message_status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEntity:
    """One entity that decides whether a number may send: number, account, business or app."""

    entity_type: str | None = None
    id: str | None = None
    can_send_message: str | None = None
    error_codes: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberReport:
    """A number as Meta sees it; every field may be missing on another server that speaks this API."""

    phone_number_id: str
    display_phone: str | None = None
    verified_name: str | None = None
    status: str | None = None
    quality_rating: str | None = None
    name_status: str | None = None
    code_verification_status: str | None = None
    platform_type: str | None = None
    throughput_level: str | None = None
    account_mode: str | None = None
    is_official: bool | None = None
    messaging_limit: str | None = None
    webhook_override: str | None = None
    can_send_message: str | None = None
    entities: tuple[HealthEntity, ...] = ()


NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,status,quality_rating,name_status,"
    "code_verification_status,platform_type,throughput,account_mode,is_official_business_account,"
    "whatsapp_business_manager_messaging_limit,webhook_configuration,health_status"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLocation:
    """Where a file can be fetched for five minutes, with the token."""

    url: str
    mime_type: str | None = None
    sha256: str | None = None
    file_size: int | None = None


def read_send_result(answer: dict[str, Any]) -> SendResult | None:
    """The result of a send, or None when the answer names no message."""
    message = next(iter(objects(answer.get("messages"))), {})
    contact = next(iter(objects(answer.get("contacts"))), {})
    wamid = text(message.get("id"))
    if wamid is None:
        return None
    return SendResult(
        wamid=wamid,
        wa_id=text(contact.get("wa_id")),
        bsuid=text(contact.get("user_id")),
        message_status=text(message.get("message_status")),
    )


def read_number_report(phone_number_id: str, answer: dict[str, Any]) -> NumberReport:
    """The report of `GET /{phone_number_id}?fields=...`."""
    health = obj(answer.get("health_status"))
    webhook = obj(answer.get("webhook_configuration"))
    official = answer.get("is_official_business_account")
    return NumberReport(
        phone_number_id=text(answer.get("id")) or phone_number_id,
        display_phone=text(answer.get("display_phone_number")),
        verified_name=text(answer.get("verified_name")),
        status=text(answer.get("status")),
        quality_rating=text(answer.get("quality_rating")),
        name_status=text(answer.get("name_status")),
        code_verification_status=text(answer.get("code_verification_status")),
        platform_type=text(answer.get("platform_type")),
        throughput_level=text(obj(answer.get("throughput")).get("level")),
        account_mode=text(answer.get("account_mode")),
        is_official=None if official is None else flag(official),
        messaging_limit=text(answer.get("whatsapp_business_manager_messaging_limit")),
        webhook_override=text(webhook.get("phone_number")),
        can_send_message=text(health.get("can_send_message")),
        entities=tuple(_entity(entity) for entity in objects(health.get("entities"))),
    )


def _entity(entity: dict[str, Any]) -> HealthEntity:
    errors = objects(entity.get("errors"))
    codes = (whole(error.get("error_code")) for error in errors)
    spoken = [text(error.get("error_description")) for error in errors]
    info = entity.get("additional_info")
    spoken += [text(line) for line in info] if isinstance(info, list) else []
    return HealthEntity(
        entity_type=text(entity.get("entity_type")),
        id=text(entity.get("id")),
        can_send_message=text(entity.get("can_send_message")),
        error_codes=tuple(code for code in codes if code is not None),
        notes=tuple(line for line in spoken if line),
    )


def read_media_location(answer: dict[str, Any]) -> MediaLocation | None:
    """Where the file is, or None when the answer names no address."""
    url = text(answer.get("url"))
    if url is None:
        return None
    return MediaLocation(
        url=url,
        mime_type=text(answer.get("mime_type")),
        sha256=text(answer.get("sha256")),
        file_size=whole(answer.get("file_size")),
    )


def sha256_bytes(written: str) -> bytes | None:
    """The 32 bytes of a digest in base64 (webhooks) or hexadecimal (media endpoint), else None."""
    for decode in (bytes.fromhex, base64.b64decode):
        try:
            digest = decode(written)
        except (ValueError, binascii.Error):
            continue
        if len(digest) == 32:
            return digest
    return None
