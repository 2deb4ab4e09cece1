from __future__ import annotations

import hmac
import json

import pytest

from integrations.whatsapp.signature import (
    HandshakeRefusal,
    answer_handshake,
    sign,
    signature_is_valid,
)

PLAIN = b'{"object":"whatsapp_business_account","entry":[]}'
ESCAPED = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages",'
    rb'"value":{"messages":[{"text":{"body":"Ol\u00e1, n\u00e3o recebi o boleto \ud83d\ude00"}}]}}]}]}'
)
SECRET = "test_app_secret"


@pytest.mark.parametrize(
    ("secret", "body", "digest"),
    [
        (SECRET, PLAIN, "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"),
        (
            SECRET,
            json.dumps(json.loads(PLAIN)).encode(),
            "56cbbaf4961c6cfdae48b7f116c047e5eb513d2c931baae63a2bc1afd26f803a",
        ),
        ("otro_secreto", PLAIN, "769b03d8c2ae6498f2d1e1f7299c0ba55448c69d741e7b0bb243d852d8a8d8c7"),
        (SECRET, ESCAPED, "5d1c523a736d1f4185d86b8b5efd744b35a9846bf1d8750362896581b18a861d"),
    ],
)
def test_known_signatures_are_accepted(secret, body, digest):
    assert signature_is_valid(body, f"sha256={digest}", (secret,))
    assert sign(body, secret) == f"sha256={digest}"


def test_json_written_again_has_another_signature():
    header = sign(ESCAPED, SECRET)
    compact = json.dumps(json.loads(ESCAPED), separators=(",", ":"), ensure_ascii=False).encode()
    for rewritten in (compact, json.dumps(json.loads(ESCAPED)).encode()):
        assert not signature_is_valid(rewritten, header, (SECRET,))
    assert sign(compact, SECRET).endswith(
        "075daef45057c0ef049200854dd91299e6a71e72c429d9321415a6b6bb300b97"
    )


def test_either_secret_is_accepted_while_rotating():
    header = sign(PLAIN, "old")
    assert signature_is_valid(PLAIN, header, ("new", "old"))
    assert not signature_is_valid(PLAIN, header, ("new",))


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_an_empty_secret_accepts_nothing(secrets):
    forged = f"sha256={hmac.new(b'', PLAIN, 'sha256').hexdigest()}"
    assert not signature_is_valid(PLAIN, forged, secrets)


def test_an_empty_secret_signs_nothing():
    with pytest.raises(ValueError, match="empty"):
        sign(PLAIN, "")


GOOD = sign(PLAIN, SECRET)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        GOOD.upper(),
        GOOD.removeprefix("sha256="),
        GOOD.replace("sha256", "sha1"),
        GOOD + "\n",
        " " + GOOD,
        GOOD[:-1],
        "sha256=" + "é" * 64,
    ],
)
def test_a_header_of_another_form_is_refused(header):
    assert not signature_is_valid(PLAIN, header, (SECRET,))


QUERY = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "segredo"}


def test_the_handshake_answers_the_bare_challenge():
    answer = answer_handshake(QUERY, "segredo")
    assert (answer.http_status, answer.challenge) == (200, "1158201444")


@pytest.mark.parametrize(
    ("query", "token", "refusal", "status"),
    [
        ({}, "segredo", HandshakeRefusal.INCOMPLETE, 400),
        ({**QUERY, "hub.challenge": ""}, "segredo", HandshakeRefusal.INCOMPLETE, 400),
        ({**QUERY, "hub.mode": "unsubscribe"}, "segredo", HandshakeRefusal.WRONG_MODE, 403),
        ({**QUERY, "hub.verify_token": "outro"}, "segredo", HandshakeRefusal.WRONG_TOKEN, 403),
        ({**QUERY, "hub.verify_token": "ségredo"}, "segredo", HandshakeRefusal.WRONG_TOKEN, 403),
        ({**QUERY, "hub.verify_token": ""}, "", HandshakeRefusal.NOT_CONFIGURED, 403),
    ],
)
def test_a_handshake_is_refused_with_its_reason(query, token, refusal, status):
    answer = answer_handshake(query, token)
    assert (answer.refusal, answer.http_status, answer.challenge) == (refusal, status, None)
