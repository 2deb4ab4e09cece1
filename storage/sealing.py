"""Secrets at rest: sealed with DATA_KEY (AES-128-CBC and HMAC by Fernet), readable with no other."""

from __future__ import annotations

import base64
import hashlib

import orjson
from cryptography.fernet import Fernet, InvalidToken

from domain.errors import DefectError


class Seal:
    """Seals small JSON objects. The key may be any text: it is stretched by SHA-256."""

    def __init__(self, data_key: str) -> None:
        digest = hashlib.sha256(data_key.encode()).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def seal(self, secrets: dict[str, str]) -> bytes:
        return self._fernet.encrypt(orjson.dumps(secrets))

    def open(self, sealed: bytes) -> dict[str, str]:
        """Raises DefectError when it was sealed with another key."""
        try:
            opened: dict[str, str] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise DefectError(
                "an account's secrets were sealed with another DATA_KEY; set the one it was"
            ) from error
        return opened
