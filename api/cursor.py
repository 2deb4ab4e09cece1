"""Cursors of lists: opaque to callers, checked when they come back."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from domain.errors import InvalidInputError
from storage.inbox_page import InboxCursor


def write_cursor(cursor: InboxCursor | None) -> str | None:
    if cursor is None:
        return None
    raw = f"{cursor.updated_at.isoformat()} {cursor.id}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> InboxCursor | None:
    """Raises InvalidInputError for what `write_cursor` never wrote."""
    if not text:
        return None
    try:
        raw = base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_", validate=True
        ).decode()
        at, _, row_id = raw.partition(" ")
        moment = datetime.fromisoformat(at)
        cursor = InboxCursor(updated_at=moment, id=UUID(row_id))
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise InvalidInputError("cursor", "is not a next_cursor of this list") from error
    if moment.tzinfo is None:
        raise InvalidInputError("cursor", "is not a next_cursor of this list")
    return cursor
