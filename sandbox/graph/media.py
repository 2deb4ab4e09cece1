"""Uploaded and received files: ids, five-minute addresses, size and type limits."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from sandbox.graph.errors import GraphError
from sandbox.ids import new_graph_id
from sandbox.store import Store

URL_LIFE_S = 300
MB = 1024 * 1024
TYPES: dict[str, tuple[tuple[str, ...], int]] = {
    "audio": (("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB),
    "image": (("image/jpeg", "image/png"), 5 * MB),
    "sticker": (("image/webp",), 500 * 1024),
    "video": (("video/mp4", "video/3gpp"), 16 * MB),
    "document": (
        ("text/plain", "application/pdf", "application/msword", "application/vnd."),
        100 * MB,
    ),
}


class Media:
    def __init__(self, store: Store, *, base_url: str, secret: str) -> None:
        self._store = store
        self._base_url = base_url
        self._secret = secret.encode()

    def save(
        self, data: bytes, mime_type: str, *, pnid: str | None, filename: str | None = None
    ) -> str:
        media_id = new_graph_id()
        digest = hashlib.sha256(data).hexdigest()
        self._store.write(
            "INSERT INTO media (id, pnid, mime_type, sha256, bytes, filename, at) VALUES (?,?,?,?,?,?,?)",
            (media_id, pnid, mime_type, digest, data, filename, time.time()),
        )
        return media_id

    def upload(self, data: bytes, mime_type: str, *, pnid: str) -> str:
        plain = mime_type.split(";", maxsplit=1)[0].strip().lower()
        for accepted, limit in TYPES.values():
            if plain.startswith(accepted):
                if len(data) > limit:
                    raise GraphError(131053, f"The file is larger than {limit} bytes.")
                return self.save(data, mime_type, pnid=pnid)
        raise GraphError(
            100, f"Param file must be a file with one of the supported types; received {mime_type}."
        )

    def exists(self, media_id: str) -> bool:
        return self._store.row("SELECT 1 FROM media WHERE id = ?", (media_id,)) is not None

    def describe(self, media_id: str, *, pnid: str | None = None) -> dict[str, Any] | None:
        """`GET /{media id}`; the address lives five minutes and needs the token."""
        row = self._store.row(
            "SELECT id, pnid, mime_type, sha256, length(bytes) AS size FROM media WHERE id = ?",
            (media_id,),
        )
        if row is None:
            return None
        if pnid and row["pnid"] and row["pnid"] != pnid:
            raise GraphError(100, "The media belongs to another phone number.")
        return {
            "messaging_product": "whatsapp",
            "url": self.address(media_id),
            "mime_type": row["mime_type"],
            "sha256": row["sha256"],
            "file_size": str(row["size"]),
            "id": media_id,
        }

    def inbound_object(self, media_id: str) -> dict[str, Any]:
        """The media part of an inbound message: base64 digest, id, short-lived address."""
        row = self._store.row(
            "SELECT mime_type, sha256, filename FROM media WHERE id = ?", (media_id,)
        )
        if row is None:
            raise GraphError(100, "Unknown media id.")
        digest = base64.b64encode(bytes.fromhex(row["sha256"])).decode()
        part = {
            "mime_type": row["mime_type"],
            "sha256": digest,
            "id": media_id,
            "url": self.address(media_id),
        }
        if row["filename"] and not row["mime_type"].startswith(("image/", "audio/", "video/")):
            part["filename"] = row["filename"]
        return part

    def address(self, media_id: str) -> str:
        until = int(time.time()) + URL_LIFE_S
        return f"{self._base_url}/lookaside/?mid={media_id}&ext={until}&hash={self._sign(media_id, until)}"

    def open(self, media_id: str, until: int, mark: str) -> tuple[bytes, str] | None:
        """The bytes behind an address, or None when it is wrong or too old."""
        if until < time.time() or not hmac.compare_digest(mark, self._sign(media_id, until)):
            return None
        return self.bytes_of(media_id)

    def bytes_of(self, media_id: str) -> tuple[bytes, str] | None:
        row = self._store.row("SELECT bytes, mime_type FROM media WHERE id = ?", (media_id,))
        return (row["bytes"], row["mime_type"]) if row else None

    def delete(self, media_id: str) -> bool:
        return self._store.write("DELETE FROM media WHERE id = ?", (media_id,)) == 1

    def _sign(self, media_id: str, until: int) -> str:
        return hmac.new(self._secret, f"{media_id}:{until}".encode(), hashlib.sha256).hexdigest()[
            :32
        ]
