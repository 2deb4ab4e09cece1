"""Bytes and signature of a webhook, exactly as Meta sends them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any


def webhook_bytes(payload: Any) -> bytes:
    r"""Compact ASCII JSON with `\\u` escapes and `\\/`: what Meta signs and sends."""
    text = json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").encode("ascii")


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def legacy_signature(secret: str, body: bytes) -> str:
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
