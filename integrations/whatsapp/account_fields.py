"""The values of account-type fields: numbers, accounts and templates. They carry no phone_number_id."""

from __future__ import annotations

from typing import Any, Final

from domain.inbound import (
    AccountUpdate,
    InboundItem,
    NumberUpdate,
    Restriction,
    TemplateTopic,
    TemplateUpdate,
)
from integrations.whatsapp.loose import moment, obj, objects, text, whole
from integrations.whatsapp.origin import Origin

NUMBER_FIELDS: Final = frozenset({"phone_number_quality_update", "phone_number_name_update"})
ACCOUNT_FIELDS: Final = frozenset(
    {"account_update", "account_review_update", "business_capability_update"}
)
TEMPLATE_FIELDS: Final = {
    "message_template_status_update": TemplateTopic.STATUS,
    "message_template_quality_update": TemplateTopic.QUALITY,
    "message_template_components_update": TemplateTopic.COMPONENTS,
    "template_category_update": TemplateTopic.CATEGORY,
}


def read_number(value: dict[str, Any], origin: Origin) -> InboundItem:
    """Quality, throughput or name of one number."""
    return NumberUpdate(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=value,
        dedupe_key=origin.key(value),
        at=origin.entry_at(),
        display_phone=text(value.get("display_phone_number")),
        event=text(value.get("event")),
        current_limit=text(value.get("current_limit")),
        old_limit=text(value.get("old_limit")),
        portfolio_limit=text(value.get("max_daily_conversations_per_business")),
        decision=text(value.get("decision")),
        requested_name=text(value.get("requested_verified_name")),
        rejection_reason=text(value.get("rejection_reason")),
    )


def read_account(value: dict[str, Any], origin: Origin) -> InboundItem:
    """Review, ban, violation, restriction or capability of the account."""
    ban = obj(value.get("ban_info"))
    phones = value.get("max_phone_numbers_per_waba") or value.get("max_phone_numbers_per_business")
    return AccountUpdate(
        field=origin.field,
        waba_id=text(obj(value.get("waba_info")).get("waba_id")) or origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=value,
        dedupe_key=origin.key(value),
        at=origin.entry_at(),
        event=text(value.get("event")),
        decision=text(value.get("decision")),
        ban_state=text(ban.get("waba_ban_state")),
        ban_date=text(ban.get("waba_ban_date")),
        violation_type=text(obj(value.get("violation_info")).get("violation_type")),
        restrictions=tuple(
            Restriction(
                type=text(restriction.get("restriction_type")) or "unknown",
                until=moment(restriction.get("expiration")),
            )
            for restriction in objects(value.get("restriction_info"))
        ),
        country=text(value.get("country")),
        portfolio_limit=text(value.get("max_daily_conversations_per_business")),
        max_phone_numbers=whole(phones),
    )


def read_template(value: dict[str, Any], origin: Origin) -> InboundItem:
    """Status, quality, wording or category of a template.

    Meta prints a quality change under the status field, so `new_quality_score` decides before the field.
    """
    topic = TEMPLATE_FIELDS.get(origin.field, TemplateTopic.STATUS)
    if "new_quality_score" in value:
        topic = TemplateTopic.QUALITY
    language = text(value.get("message_template_language"))
    category = text(value.get("new_category")) or text(value.get("message_template_category"))
    return TemplateUpdate(
        field=origin.field,
        waba_id=origin.waba_id,
        phone_number_id=origin.phone_number_id,
        raw=value,
        dedupe_key=origin.key(value),
        topic=topic,
        at=origin.entry_at(),
        template_id=text(value.get("message_template_id")),
        name=text(value.get("message_template_name")),
        language=language.replace("-", "_") if language else None,
        event=text(value.get("event")),
        reason=text(value.get("reason")),
        detail=_detail(value),
        category=category,
        previous_category=text(value.get("previous_category")),
        new_category=text(value.get("new_category")),
        correct_category=text(value.get("correct_category")),
        category_changes_at=moment(value.get("category_update_timestamp")),
        quality=text(value.get("new_quality_score")),
        previous_quality=text(value.get("previous_quality_score")),
        disabled_at=moment(obj(value.get("disable_info")).get("disable_date")),
    )


def _detail(value: dict[str, Any]) -> str | None:
    """Why, in Meta's words: the pause's title and text, or the rejection's reason and advice."""
    info = obj(value.get("other_info"))
    rejection = obj(value.get("rejection_info"))
    parts = (
        text(info.get("title")),
        text(info.get("description")),
        text(rejection.get("reason")),
        text(rejection.get("recommendation")),
    )
    return ": ".join(part for part in parts if part) or None
