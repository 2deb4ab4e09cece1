"""Meta's signed webhooks as raw HTTP requests, made quickly; the account the benchmarks use."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import time
from dataclasses import dataclass
from typing import Any, Final

import orjson

WABA_ID: Final = "102000000000009"
PHONE_NUMBER_IDS: Final = ("106000000000091", "106000000000092", "106000000000093")
FACADE_PHONE: Final = "+5511987654399"
APP_SECRET: Final = "bench-app-secret-0123456789abcdef"  # noqa: S105 - of a bench, worth nothing
TEXT: Final = "Oi, quero saber do plano para a minha padaria, como funciona?"

_SIGNED: Final = re.compile(rb"Aqui quem fala: BENCH-(\d+)")
_serial = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer of the benchmarks: number `n` of a made-up series."""

    n: int

    @property
    def wa_id(self) -> str:
        return f"55119{80_000_000 + self.n:08d}"

    @property
    def bsuid(self) -> str:
        return f"BR.9{self.n:015d}"

    @property
    def phone_number_id(self) -> str:
        return PHONE_NUMBER_IDS[self.n % len(PHONE_NUMBER_IDS)]

    @property
    def text(self) -> str:
        """What they write; who wrote it is found again in the model call."""
        return f"{TEXT} Aqui quem fala: BENCH-{self.n}"


def customer_in(body: bytes) -> int | None:
    """Number `n` of the customer whose words are in there; None when there are nobody's."""
    found = _SIGNED.search(body)
    return None if found is None else int(found[1])


def new_wamid(mark: str = "IN") -> str:
    return f"wamid.BENCH{mark}{time.time_ns():020d}{next(_serial):08d}"


def message_request(person: Person, path: str, host: str) -> bytes:
    """One text message of this person as the bytes of one signed POST."""
    message = {
        "from": person.wa_id,
        "from_user_id": person.bsuid,
        "id": new_wamid(),
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": person.text},
    }
    value = {**_value(person), "messages": [message]}
    return _request(_envelope(value), path, host)


def status_request(
    person: Person, wamid: str, status: str, callback: str, path: str, host: str
) -> bytes:
    """One status of a message we sent, as the bytes of one signed POST."""
    element = {
        "id": wamid,
        "status": status,
        "timestamp": str(int(time.time())),
        "recipient_id": person.wa_id,
        "recipient_user_id": person.bsuid,
        "biz_opaque_callback_data": callback,
    }
    return _request(_envelope({**_value(person), "statuses": [element]}), path, host)


def _value(person: Person) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": FACADE_PHONE.removeprefix("+"),
            "phone_number_id": person.phone_number_id,
        },
        "contacts": [
            {
                "profile": {"name": f"Cliente {person.n}"},
                "wa_id": person.wa_id,
                "user_id": person.bsuid,
            }
        ],
    }


def _envelope(value: dict[str, Any]) -> bytes:
    entry = {"id": WABA_ID, "changes": [{"field": "messages", "value": value}]}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def _request(body: bytes, path: str, host: str) -> bytes:
    digest = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"User-Agent: facebookexternalua\r\nX-Hub-Signature-256: sha256={digest}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
