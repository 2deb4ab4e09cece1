"""Bad, odd and large bodies: everything inside a JSON object is kept, in order, whatever it is."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from domain.content import Text
from domain.inbound import InboundMessage, StatusUpdate, Unparsed, item_from_json, item_to_json
from integrations.whatsapp.webhook import (
    BODY_MAX,
    MalformedWebhookError,
    ParsedWebhook,
    WebhookTooLargeError,
    parse_webhook,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


def message(n: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "from": "553188887777", "id": f"wamid.{n}", "timestamp": str(SECONDS - 10),
        "type": "text", "text": {"body": "Olá"}, **changed,
    }  # fmt: skip


def status(n: int = 1, word: str = "sent", **changed: Any) -> dict[str, Any]:
    return {"id": f"wamid.{n}", "status": word, "timestamp": str(SECONDS), **changed}


def change(field: str = "messages", **value: Any) -> dict[str, Any]:
    metadata = {"phone_number_id": "106", "display_phone_number": "551130001234"}
    return {"field": field, "value": {"metadata": metadata, **value}}


def envelope(*changes: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "102", "changes": list(changes)}],
    }


def parse(document: Any) -> ParsedWebhook:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_webhook(body, NOW)


def kinds(document: Any) -> list[str]:
    return [item.kind for item in parse(document).items]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'[{"object":"x"}]', b'"text"', b"1", b"null", b"\xff\xfe", b"[" * 100_000],
)
def test_only_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(MalformedWebhookError):
        parse_webhook(body, NOW)


def test_a_body_beyond_the_limit_is_refused_before_parsing():
    with pytest.raises(WebhookTooLargeError) as refused:
        parse_webhook(b"x" * (BODY_MAX + 1), NOW)
    assert str(BODY_MAX) in str(refused.value)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"entry": None},
        {"entry": "x"},
        {"entry": [1]},
        {"entry": [{}]},
        {"entry": [{"id": "102", "changes": "x"}]},
        {"entry": [{"id": "102", "changes": [1, "x", None]}]},
        envelope({}),
        envelope({"field": "messages"}),
        envelope({"field": "messages", "value": []}),
        envelope({"value": {"messages": [message()]}}),
        {"object": "page", "entry": [{"changes": [change(messages=[message()])]}]},
    ],
)
def test_what_has_the_wrong_shape_is_kept_unparsed_with_a_reason(document):
    parsed = parse(document)
    assert parsed.items
    assert parsed.problems
    for item in parsed.items:
        assert isinstance(item, Unparsed)
        assert item.reason
        orjson.dumps(item_to_json(item))


def test_an_empty_entry_list_is_nothing():
    parsed = parse({"object": "whatsapp_business_account", "entry": []})
    assert parsed.items == ()


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [1]},
        {"messages": [None, message()]},
        {"messages": "x"},
        {"messages": [{"type": "text"}]},
        {"messages": [message(id=None)]},
        {"statuses": [{"status": "sent"}]},
        {"statuses": 7},
    ],
)
def test_an_element_that_cannot_be_read_is_kept_and_the_others_are_worked(value):
    good = message(99)
    items = parse(envelope(change(**value), change(messages=[good]))).items
    assert any(isinstance(item, Unparsed) for item in items)
    assert items[-1].dedupe_key == "msg:wamid.99"


def test_a_value_without_anything_is_stored_and_counted():
    assert kinds(envelope(change())) == ["other"]
    assert kinds(envelope(change(messages=[]))) == ["other"]
    assert kinds(envelope(change("calls"))) == ["other"]


def test_single_objects_stand_for_lists():
    document = {"entry": {"id": "102", "changes": change(messages=message(), statuses=status())}}
    assert kinds(document) == ["message", "status"]


def test_ids_written_as_numbers_are_read():
    document = {
        "entry": [{"id": 102, "changes": [change(messages=[message(**{"from": 553188887777})])]}]
    }
    (item,) = parse(document).items
    assert isinstance(item, InboundMessage)
    assert (item.waba_id, item.sender.wa_id) == ("102", "553188887777")


@pytest.mark.parametrize("body", ["", "a" * 5000, "👍🏽 🇧🇷", "\u202eשלום مرحبا", "0"])
def test_any_text_is_kept_as_it_came(body):
    (item,) = parse(envelope(change(messages=[message(text={"body": body})]))).items
    assert isinstance(item, InboundMessage)
    assert item.content == Text(body=body)


@pytest.mark.parametrize(
    "written", [rb"a\u0000b", rb"a\ud83db", rb"a\udc00b", b"a\x00b", b"a\xffb"]
)
def test_what_postgresql_cannot_store_is_replaced_and_the_message_is_kept(written):
    body = json.dumps(envelope(change(messages=[message(text={"body": "HERE"})]))).encode()
    (item,) = parse(body.replace(b"HERE", written)).items
    assert isinstance(item, InboundMessage)
    assert item.content == Text(body="a\ufffdb")
    stored = orjson.dumps([item_to_json(item), item.raw])
    assert b"\\u0000" not in stored


def test_an_emoji_beside_a_lone_surrogate_survives():
    body = json.dumps(envelope(change(messages=[message(text={"body": "😀 HERE"})]))).encode()
    (item,) = parse(body.replace(b"HERE", rb"\ud800")).items
    assert isinstance(item, InboundMessage)
    assert item.content == Text(body="😀 \ufffd")


def test_what_is_nested_too_deeply_to_be_stored_is_cut():
    deep = b"[" * 900 + b"]" * 900
    body = json.dumps(envelope(change(messages=[message(novelty="HERE")]))).encode()
    (item,) = parse(body.replace(b'"HERE"', deep)).items
    assert item.dedupe_key == "msg:wamid.1"
    orjson.dumps(item.raw)


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "x",
        None,
        [],
        {},
        True,
        -1,
        0,
        "99999999999999999999",
        1e300,
        SECONDS * 1000,
        SECONDS + 86400,
    ],
)
def test_an_unusable_or_future_timestamp_becomes_the_arrival(timestamp):
    parsed = parse(envelope(change(messages=[message(timestamp=timestamp)])))
    (item,) = parsed.items
    assert isinstance(item, InboundMessage)
    assert item.sent_at == NOW
    assert parsed.problems


def test_a_clock_a_little_ahead_is_believed():
    (item,) = parse(envelope(change(messages=[message(timestamp=SECONDS + 60)]))).items
    assert isinstance(item, InboundMessage)
    assert item.sent_at == NOW + timedelta(seconds=60)


def test_a_contact_is_found_by_the_other_form_of_the_number():
    contacts = [{"profile": {"name": "Ana"}, "wa_id": "5531988887777", "user_id": "BR.1"}]
    (item,) = parse(envelope(change(contacts=contacts, messages=[message()]))).items
    assert isinstance(item, InboundMessage)
    assert (item.sender.name, item.sender.bsuid) == ("Ana", "BR.1")


def test_a_stranger_does_not_get_the_name_of_the_only_contact():
    contacts = [{"profile": {"name": "Bia"}, "wa_id": "5511987654321", "user_id": "BR.2"}]
    (item,) = parse(envelope(change(contacts=contacts, messages=[message()]))).items
    assert isinstance(item, InboundMessage)
    assert (item.sender.name, item.sender.bsuid) == (None, None)


def test_a_message_without_any_id_of_its_sender_takes_the_only_contact():
    anonymous = message()
    del anonymous["from"]
    contacts = [{"profile": {"name": "Bia"}, "user_id": "BR.2"}]
    (item,) = parse(envelope(change(contacts=contacts, messages=[anonymous]))).items
    assert isinstance(item, InboundMessage)
    assert item.sender.bsuid == "BR.2"


def test_a_thousand_mixed_updates_keep_their_order():
    changes = []
    expected = []
    for n in range(0, 1000, 4):
        changes += [
            change(messages=[message(n), message(n + 1)]),
            change(statuses=[status(n + 2, "delivered")]),
            change("holograms", number=n),
        ]
        expected += [
            f"msg:wamid.{n}",
            f"msg:wamid.{n + 1}",
            f"st:wamid.{n + 2}:delivered:",
            "holograms",
        ]
    keys = [item.dedupe_key for item in parse(envelope(*changes)).items]
    assert [key.split(":")[0] if key.startswith("holo") else key for key in keys] == expected
    assert len(set(keys)) == 1000


def test_several_entries_each_keep_their_own_account():
    document = envelope(change(messages=[message(1)]))
    document["entry"].append({"id": "103", "changes": [change(statuses=[status(2)])]})
    assert [item.waba_id for item in parse(document).items] == ["102", "103"]


def test_the_same_account_update_at_another_time_is_another_update():
    def key(time: int) -> str:
        update = {"field": "account_update", "value": {"event": "ACCOUNT_DELETED"}}
        document = {"entry": [{"id": "102", "time": time, "changes": [update]}]}
        return parse(document).items[0].dedupe_key

    assert key(SECONDS) == key(SECONDS) != key(SECONDS - 1)


def test_a_status_key_tells_group_participants_apart():
    first, second = (
        status(1, "delivered", recipient_type="group", recipient_id="G", recipient_participant_id=p)
        for p in ("5511987654321", "5511987654322")
    )
    items = parse(envelope(change(statuses=[first, second]))).items
    assert all(isinstance(item, StatusUpdate) for item in items)
    assert len({item.dedupe_key for item in items}) == 2


def test_problems_name_no_person():
    bad = message(id=None, text={"body": "segredo da Ana"})
    parsed = parse(envelope(change(messages=[bad, "Ana"])))
    assert "Ana" not in repr(parsed.problems)


def test_an_error_of_the_body_survives_pickling():
    for error in (MalformedWebhookError("is no JSON"), WebhookTooLargeError(5, 4)):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["field", "value", "messages", "statuses", "id", "type", "text", "body", "contacts",
             "wa_id", "timestamp", "interactive", "metadata", "history", "threads", "system"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip
FIELDS = ["messages", "history", "calls", "user_preferences", "account_update", "flows",
          "message_template_status_update", "smb_message_echoes", "group_status_update"]  # fmt: skip


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(FIELDS), JSON, st.sampled_from(["messages", "statuses", "history", "calls"]))
def test_nothing_inside_a_body_breaks_the_parser(field, value, key):
    document = envelope({"field": field, "value": value}, {"field": field, "value": {key: value}})
    items = parse(document).items
    assert items
    for item in items:
        assert item_from_json(orjson.loads(orjson.dumps(item_to_json(item)))) == item
