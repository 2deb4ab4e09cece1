"""Every field and every kind of message that Meta may send, each as a whole body under tests/fixtures/webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from domain.content import Text
from domain.delivery import DeliveryStatus
from domain.inbound import (
    AccountUpdate,
    AppEcho,
    CallUpdate,
    HistoryImport,
    IdentityChange,
    InboundItem,
    InboundMessage,
    NumberUpdate,
    PreferenceChange,
    StatusUpdate,
    TemplateUpdate,
    ValueErrors,
    item_from_json,
    item_to_json,
)
from domain.tracking import tracking_code
from integrations.whatsapp.webhook import ParsedWebhook, parse_webhook

T = TypeVar("T")
FIXTURES = Path(__file__).parents[2] / "fixtures" / "webhooks"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENT_AT = datetime(2025, 11, 22, 8, 26, 40, tzinfo=UTC)  # 1763800000
ANA = "BR.13491208655302741918"

# fixture: the kind of each item and its word (content, status, event, topic or number of messages)
EXPECTED: dict[str, str] = json.loads(
    (FIXTURES.parent / "webhook_items.json").read_text(encoding="utf-8")
)


def parse(name: str) -> ParsedWebhook:
    return parse_webhook((FIXTURES / f"{name}.json").read_bytes(), NOW)


def only(name: str, cls: type[T]) -> T:
    (item,) = parse(name).items
    assert isinstance(item, cls)
    return item


def word(item: InboundItem) -> str:
    match item:
        case HistoryImport():
            return f"{len(item.messages)} old"
        case ValueErrors():
            return str(item.errors[0].code)
        case InboundMessage() | AppEcho():
            return str(item.content.kind)
        case _:
            pass
    names = ("status", "change", "preference", "topic", "event", "reason", "decision")
    return str(next((found for name in names if (found := getattr(item, name, None))), ""))


def test_every_fixture_is_in_the_table_and_every_line_of_the_table_has_a_fixture():
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_fixture_becomes_the_items_of_the_table(name):
    items = parse(name).items
    assert ", ".join(f"{item.kind} {word(item)}".strip() for item in items) == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_item_comes_back_from_its_stored_json_and_keeps_its_raw_element(name):
    for item in parse(name).items:
        stored = orjson.loads(orjson.dumps(item_to_json(item)))
        assert "raw" not in stored
        assert item_from_json(stored) == item
        assert item_from_json(stored).dedupe_key == item.dedupe_key
        assert item.raw


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_same_body_twice_has_the_same_keys_and_they_differ_from_each_other(name):
    first, second = ([item.dedupe_key for item in parse(name).items] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_no_two_fixtures_share_a_key_unless_they_are_the_same_update():
    keys = [item.dedupe_key for name in EXPECTED for item in parse(name).items]
    assert sorted({key for key in keys if keys.count(key) > 1}) == [
        "st:wamid.OUR:read:553188887777"
    ]


def test_a_message_knows_its_sender_number_and_account():
    message = only("message__text", InboundMessage)
    assert message.wamid == "wamid.T1"
    assert message.dedupe_key == "msg:wamid.T1"
    assert (message.phone_number_id, message.waba_id) == ("106000000000002", "102000000000001")
    assert message.sender.wa_id == "553188887777"
    assert message.sender.bsuid == ANA
    assert message.sender.name == "Ana Souza"
    assert message.sender.username == "anasouza"
    assert message.sent_at == SENT_AT


def test_a_person_with_a_username_has_no_phone_and_is_still_somebody():
    sender = only("message__username_without_phone", InboundMessage).sender
    assert sender.wa_id is None
    assert (sender.bsuid, sender.parent_bsuid) == ("BR.99812086553027419", "BR.ENT.5530")
    assert (sender.name, sender.username) == ("Bia", "bia.lima")


def test_contacts_are_matched_by_id_and_not_by_position():
    ana, bia = parse("message__several_contacts").items
    assert isinstance(ana, InboundMessage)
    assert isinstance(bia, InboundMessage)
    assert (ana.sender.name, bia.sender.name) == ("Ana Souza", "Bia")


def test_the_context_of_a_message_is_kept():
    assert only("message__reply_quoting", InboundMessage).reply_to_wamid == "wamid.OUR"
    assert only("message__forwarded", InboundMessage).forwarded
    assert only("message__frequently_forwarded", InboundMessage).frequently_forwarded
    assert only("message__group", InboundMessage).group_id == "HBgGROUP"
    assert only("message__identity_hash", InboundMessage).identity_key_hash == "sYzk"
    product = only("message__product_enquiry", InboundMessage).referred_product
    assert product is not None
    assert product.product_retailer_id == "sku1"
    assert only("message__media_too_large", InboundMessage).errors[0].code == 131052


def test_the_ad_a_message_came_from_is_kept():
    referral = only("message__referral_ad", InboundMessage).referral
    assert referral is not None
    assert (referral.source_type, referral.source_id) == ("ad", "120226305854810726")
    assert referral.ctwa_clid == "Aff-…"
    assert referral.welcome_message == "Oi! Como ajudamos?"
    without = only("message__referral_without_clid", InboundMessage).referral
    assert without is not None
    assert without.ctwa_clid is None
    assert without.thumbnail_url == "https://example.com/t.jpg"


def test_a_link_is_recognised_by_its_tracking_code():
    content = only("message__tracking_code", InboundMessage).content
    assert isinstance(content, Text)
    assert tracking_code(content.body) == "LOJA-CENTRO"


def test_the_contents_are_read_whole():
    def content(name: str) -> Any:
        return item_to_json(only(f"message__{name}", InboundMessage))["content"]

    assert content("audio_voice")["voice"] is True
    assert "voice" not in content("audio_file")
    assert content("document")["filename"] == "contrato.pdf"
    assert content("image")["media_id"] == "24230790383178626"
    assert content("template_button") == {
        "kind": "button_reply", "id": "OPTOUT_v1", "title": "Parar promoções", "source": "template",
    }  # fmt: skip
    assert content("template_button_without_context")["id"] == "Parar promoções"
    assert content("flow_reply")["response"]["data_promessa"] == "2026-12-01"
    assert content("flow_reply_unreadable")["response"] == {"unparsed": "{broken"}
    assert content("payment_method")["last_four_digits"] == "5235"
    assert content("call_permission")["expiration_timestamp"] == 1764400000
    assert content("order")["items"][0]["product_retailer_id"] == "sku1"
    assert content("reaction_removed")["emoji"] is None
    assert content("reaction_removed_old")["emoji"] is None
    assert content("unsupported_poll")["type"] == "poll_creation"
    assert content("interactive_unknown")["type"] == "hologram_reply"
    assert content("unknown_type")["raw_type"] == "hologram"
    assert content("contact_request_answer")["origin"] == "contact_request"
    assert content("edit")["content"]["body"] == "texto corrigido"
    assert content("empty_text")["body"] == ""


def test_a_change_of_number_tells_old_and_new():
    change = only("identity__user_changed_number", IdentityChange)
    assert (change.old_wa_id, change.new_wa_id) == ("5531988887777", "553199996666")
    assert (change.previous_bsuid, change.bsuid) == (ANA, "BR.NEWVALUE")
    older = only("identity__customer_changed_number_old", IdentityChange)
    assert (older.old_wa_id, older.new_wa_id) == ("553188887777", "553199996666")
    assert only("identity__customer_identity_changed", IdentityChange).acknowledged


def test_a_status_tells_recipient_price_and_our_attempt():
    sent = only("status__sent", StatusUpdate)
    assert (sent.recipient_wa_id, sent.recipient_bsuid) == ("553188887777", ANA)
    assert sent.callback_data == "camp=12;att=98765"
    assert sent.pricing is not None
    assert (sent.pricing.type, sent.pricing.category) == ("regular", "utility")
    free = only("status__delivered_free_entry_point", StatusUpdate)
    assert free.recipient_wa_id == "553188887777"  # from the contact block, by its user id
    assert free.conversation_expiration == datetime(2025, 11, 25, 8, 26, 40, tzinfo=UTC)
    assert free.conversation_origin == "referral_conversion"
    hidden = only("status__delivered_with_bsuid_only", StatusUpdate)
    assert hidden.recipient_wa_id is None
    assert hidden.recipient_parent_bsuid == "BR.ENT.5530"
    assert hidden.pricing is not None
    assert hidden.pricing.category == "authentication_international"
    assert hidden.dedupe_key == "st:wamid.OUR:delivered:BR.99812086553027419"


def test_a_failed_status_needs_no_contact_and_keeps_the_details():
    failed = only("status__failed_131049", StatusUpdate)
    assert failed.status is DeliveryStatus.FAILED
    assert failed.errors[0].code == 131049
    assert failed.errors[0].details == "free text"


def test_a_status_of_a_group_belongs_to_the_participant():
    status = only("status__group_participant", StatusUpdate)
    assert (status.group_id, status.recipient_wa_id) == ("HBgGROUP", "553188887777")


def test_an_echo_of_the_phone_app_tells_to_whom_it_went():
    echo = only("echo__text", AppEcho)
    assert (echo.to_wa_id, echo.to_bsuid) == ("553188887777", ANA)


@pytest.mark.parametrize(
    "name", ["history__chunk", "history__media_follow_up", "history__own_media_follow_up"]
)
def test_history_is_never_a_fresh_message(name):
    assert [item.kind for item in parse(name).items] == ["history"]


def test_history_tells_whose_each_message_was():
    chunk = only("history__chunk", HistoryImport)
    assert [message.from_business for message in chunk.messages] == [True, False]
    assert {message.wa_id for message in chunk.messages} == {"553188887777"}
    assert (chunk.phase, chunk.chunk_order, chunk.progress) == (0, 1, 55)
    assert only("history__own_media_follow_up", HistoryImport).messages[0].from_business
    assert not only("history__media_follow_up", HistoryImport).messages[0].from_business
    assert only("history__declined", HistoryImport).declined


def test_a_call_is_told_from_a_message_status():
    call = only("call__connect", CallUpdate)
    assert call.opens_window
    assert (call.wa_id, call.name) == ("553188887777", "Ana")
    ringing = only("call__status_ringing", CallUpdate)
    assert (ringing.event, ringing.callback_data) == ("status", "abc")
    ended = only("call__terminate", CallUpdate)
    assert (ended.wa_id, ended.duration_s, ended.opens_window) == ("553188887777", 120, False)


def test_a_restriction_ban_or_violation_stops_campaigns_and_a_reinstatement_does_not():
    for name in ("restriction", "violation", "disabled"):
        assert only(f"account__{name}", AccountUpdate).stops_campaigns
    for name in ("reinstated", "pricing_tier", "partner_added", "capability_integer"):
        assert not only(f"account__{name}", AccountUpdate).stops_campaigns
    restriction = only("account__restriction", AccountUpdate).restrictions[0]
    assert restriction.type == "RESTRICTED_BIZ_INITIATED_MESSAGING"
    assert restriction.until is not None


def test_limits_are_read_as_number_and_as_text():
    assert only("account__capability_integer", AccountUpdate).portfolio_limit == "2000"
    assert only("account__capability_tier_text", AccountUpdate).portfolio_limit == "TIER_2K"
    assert only("account__capability_tier_text", AccountUpdate).max_phone_numbers == 2


def test_a_number_is_named_by_its_phone_only():
    update = only("number__throughput_upgrade", NumberUpdate)
    assert update.phone_number_id is None
    assert update.display_phone == "551130001234"
    assert update.at == SENT_AT


def test_a_template_language_always_has_the_underscore():
    quality = only("template__quality_under_status_field", TemplateUpdate)
    assert (quality.language, quality.quality) == ("pt_BR", "RED")
    assert only("template__approved", TemplateUpdate).template_id == "1689556908129832"
    paused = only("template__paused", TemplateUpdate)
    assert (paused.event, paused.reason, paused.detail) == (
        "PAUSED",
        None,
        "FIRST_PAUSE: free text",
    )
    warning = only("template__category_warning", TemplateUpdate)
    assert (warning.new_category, warning.correct_category) == ("UTILITY", "MARKETING")
    assert warning.category_changes_at is not None
    assert only("template__disabled", TemplateUpdate).disabled_at == SENT_AT


def test_a_stop_of_marketing_names_the_person():
    stop = only("preference__stop", PreferenceChange)
    assert (stop.wa_id, stop.bsuid, stop.category) == ("553188887777", ANA, "marketing_messages")


def test_every_fixture_is_valid_json_of_a_whole_body():
    for path in FIXTURES.glob("*.json"):
        assert "entry" in json.loads(path.read_text(encoding="utf-8"))
