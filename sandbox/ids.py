"""Identifiers that look like Meta's and Anthropic's."""

from __future__ import annotations

import base64
import secrets

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_wamid(phone: str) -> str:
    raw = (
        b"\x1d\x04\x0d"
        + phone.encode()
        + b"\x15\x02\x00\x11"
        + secrets.token_hex(10).encode().upper()
    )
    return "wamid." + base64.b64encode(raw).decode()


def new_graph_id() -> str:
    return str(10**15 + secrets.randbelow(9 * 10**15))


def new_trace_id() -> str:
    return "A" + secrets.token_urlsafe(16)


def new_model_id(prefix: str) -> str:
    """`msg_01…`, `toolu_01…`, `req_01…`: 24 characters after the prefix."""
    return prefix + "01" + "".join(secrets.choice(_ALPHABET) for _ in range(22))
