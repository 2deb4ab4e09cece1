"""Whether a webhook really comes from Meta: HMAC-SHA256 over the bytes as received, and the handshake."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SIGNATURE_HEADER: Final = "X-Hub-Signature-256"
_FORM: Final = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


def signature_is_valid(body: bytes, header: str | None, secrets: Sequence[str]) -> bool:
    """Whether `header` signs exactly these bytes with one of the app secrets (two while rotating).

    Verify before any parsing: Meta escapes what it signs, and JSON written again has other bytes.
    Every secret is tried in constant time; an empty one never matches.
    """
    if header is None or not _FORM.fullmatch(header):
        return False
    given = header.removeprefix("sha256=").encode()
    matches = [
        hmac.compare_digest(given, _digest(body, secret)) for secret in secrets if secret.strip()
    ]
    return any(matches)


def sign(body: bytes, secret: str) -> str:
    """The header value Meta would send for these bytes. Raises ValueError on an empty secret."""
    if not secret.strip():
        raise ValueError("an empty app secret signs nothing")
    return f"sha256={_digest(body, secret).decode()}"


def _digest(body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


class HandshakeRefusal(StrEnum):
    """Why Meta's GET is refused: a missing parameter is answered 400, the others 403."""

    INCOMPLETE = "incomplete"
    WRONG_MODE = "wrong_mode"
    WRONG_TOKEN = "wrong_token"  # noqa: S105 -- a reason, no secret
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Answer 200 with `challenge` as the whole plain-text body, or `http_status` without it."""

    challenge: str | None = None
    refusal: HandshakeRefusal | None = None

    @property
    def http_status(self) -> int:
        if self.refusal is None:
            return 200
        return 400 if self.refusal is HandshakeRefusal.INCOMPLETE else 403


def answer_handshake(query: Mapping[str, str], verify_token: str) -> Handshake:
    """Meta's verification request, decided; `query` has the dotted names (`hub.mode`)."""
    mode = query.get("hub.mode")
    token = query.get("hub.verify_token")
    challenge = query.get("hub.challenge")
    if not mode or token is None or not challenge:
        return Handshake(refusal=HandshakeRefusal.INCOMPLETE)
    if mode != "subscribe":
        return Handshake(refusal=HandshakeRefusal.WRONG_MODE)
    if not verify_token.strip():
        return Handshake(refusal=HandshakeRefusal.NOT_CONFIGURED)
    if not hmac.compare_digest(_utf8(token), _utf8(verify_token)):
        return Handshake(refusal=HandshakeRefusal.WRONG_TOKEN)
    return Handshake(challenge=challenge)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
