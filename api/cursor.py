"""Cursors of lists: opaque to callers, checked when they come back."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from uuid import UUID

from domain.errors import InvalidInputError
from storage.inbox_page import InboxCursor


def write_cursor(cursor: InboxCursor | None) -> str | None:
    return None if cursor is None else _write(f"{cursor.updated_at.isoformat()} {cursor.id}")


def read_cursor(text: str | None) -> InboxCursor | None:
    """Raises InvalidInputError for what `write_cursor` never wrote."""
    if not text:
        return None
    at, _, row_id = _read(text).partition(" ")
    try:
        cursor = InboxCursor(updated_at=datetime.fromisoformat(at), id=UUID(row_id))
    except ValueError as error:
        raise _foreign() from error
    if cursor.updated_at.tzinfo is None:
        raise _foreign()
    return cursor


def write_place(place: int | None) -> str | None:
    """Of a list in the order of a number that only grows."""
    return None if place is None else _write(str(place))


def read_place(text: str | None) -> int | None:
    """Raises InvalidInputError for what `write_place` never wrote."""
    if not text:
        return None
    said = _read(text)
    if not re.fullmatch(r"[1-9][0-9]{0,17}", said):
        raise _foreign()
    return int(said)


def _write(said: str) -> str:
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _read(text: str) -> str:
    try:
        return base64.b64decode(
            text + "=" * (-len(text) % 4), altchars=b"-_", validate=True
        ).decode()
    except (binascii.Error, ValueError) as error:
        raise _foreign() from error


def _foreign() -> InvalidInputError:
    return InvalidInputError("cursor", "is not a next_cursor of this list")
