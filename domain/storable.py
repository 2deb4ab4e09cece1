"""What PostgreSQL can store: no NUL, no half of a surrogate pair, no number beyond JSON's."""

from __future__ import annotations

import math
import re
from typing import Any, Final

REPLACEMENT: Final = "\ufffd"
DEPTH_MAX: Final = 100  # levels; Meta needs about 15, JSON writers give up near 250
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The text with every character that PostgreSQL refuses replaced by U+FFFD."""
    return UNSTORABLE.sub(REPLACEMENT, text)


def storable(value: Any, *, depth: int = DEPTH_MAX) -> Any:
    """The JSON value with every unstorable text (keys too) and number replaced; nothing is dropped.

    A whole number beyond 64 bits becomes its digits as text, an infinite or undefined one becomes null;
    what is nested deeper than `depth` levels becomes one U+FFFD.
    """
    if isinstance(value, str):
        return UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, dict | list) and depth == 0:
        return REPLACEMENT
    if isinstance(value, dict):
        return {storable_text(key): storable(item, depth=depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item, depth=depth - 1) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _storable_int(value) if isinstance(value, int) else value


def _storable_int(value: int) -> int | str:
    return value if -(2**63) <= value < 2**63 else str(value)
