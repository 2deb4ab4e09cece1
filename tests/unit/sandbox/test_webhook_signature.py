from __future__ import annotations

import json

import pytest

from sandbox.signing import signature, webhook_bytes
from tests.unit.sandbox.servers import until

ESCAPED = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":'
    rb'{"messages":[{"text":{"body":"Ol\u00e1, n\u00e3o recebi o boleto \ud83d\ude00"}}]}}]}]}'
)
COMPACT = b'{"object":"whatsapp_business_account","entry":[]}'


@pytest.mark.parametrize(
    ("key", "body", "digest"),
    [
        (
            "test_app_secret",
            COMPACT,
            "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756",
        ),
        (
            "test_app_secret",
            b'{"object": "whatsapp_business_account", "entry": []}',
            "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
        (
            "otro_secreto",
            COMPACT,
            "769b03d8c2ae6498f2d1e1f7299c0ba55448c69d741e7b0bb243d852d8a8d8c7",
        ),
        (
            "test_app_secret",
            ESCAPED,
            "5d1c523a736d1f4185d86b8b5efd744b35a9846bf1d8750362896581b18a861d",
        ),
        (
            "test_app_secret",
            json.dumps(json.loads(ESCAPED), ensure_ascii=False, separators=(",", ":")).encode(),
            "075daef45057c0ef049200854dd91299e6a71e72c429d9321415a6b6bb300b97",
        ),
        (
            "test_app_secret",
            json.dumps(json.loads(ESCAPED)).encode(),
            "876e791ee64e14b96db2a7d1574ea2096da742995ff38a4b213e43f8bd755da1",
        ),
    ],
)
def test_signatures_are_those_of_the_reference(key, body, digest):
    assert signature(key, body) == f"sha256={digest}"


def test_webhooks_leave_as_meta_writes_them():
    assert webhook_bytes(json.loads(ESCAPED)) == ESCAPED
    assert webhook_bytes({"u": "https://x/y"}) == rb'{"u":"https:\/\/x\/y"}'
    assert webhook_bytes({"half": "\ud83d"}) == rb'{"half":"\ud83d"}'


async def test_the_product_can_check_the_signature_of_what_arrives(stage):
    await stage.say("Olá, não recebi o boleto 😀 / 2")
    await until(stage.product.messages)
    assert stage.product.bad_signatures == 0
    assert stage.product.messages()[0]["text"]["body"] == "Olá, não recebi o boleto 😀 / 2"


async def test_a_wrong_signature_can_be_sent_on_purpose(stage):
    answer = await stage.control(
        "webhook", {"payload": {"entry": []}, "signature": "sha256=" + "0" * 64}
    )
    assert answer == {"http": 401}
    assert stage.product.bad_signatures == 1


async def test_the_handshake_returns_the_challenge(stage):
    assert (await stage.control("verify"))["ok"] is True
