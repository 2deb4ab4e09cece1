"""Reading Meta's JSON without trusting it: every reader returns a usable value or None, and never raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

_EARLIEST: Final = 1_230_768_000  # 2009: no WhatsApp message is older
_LATEST: Final = 32_503_680_000  # the year 3000


class UnreadableError(ValueError):
    """An element lacks what makes it that element; the text holds no personal data."""


def text(value: Any) -> str | None:
    """A non-empty text; a whole number as its digits (Meta writes ids both ways)."""
    if type(value) is str:
        return value or None
    return str(value) if type(value) is int else None


def obj(value: Any) -> dict[str, Any]:
    """The object, or an empty one."""
    return value if type(value) is dict else {}


def many(value: Any) -> list[Any]:
    """The list; a single object stands for a list of one; anything else for an empty one."""
    if type(value) is list:
        return value
    return [value] if type(value) is dict else []


def objects(value: Any) -> tuple[dict[str, Any], ...]:
    """The objects of the list; whatever else it holds is left out."""
    return tuple(item for item in many(value) if type(item) is dict)


def whole(value: Any) -> int | None:
    """A whole number, also when written as text."""
    if type(value) is int:
        return value
    if type(value) is str and len(value) < 20:
        try:
            return int(value)
        except ValueError:
            return None
    return None


def flag(value: Any) -> bool:
    """True for true and the text "true"."""
    return value is True or value == "true"


def moment(value: Any) -> datetime | None:
    """The time of epoch seconds in text or number; None where it cannot be one."""
    seconds = whole(value)
    if seconds is None or not _EARLIEST <= seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)
