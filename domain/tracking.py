"""Tracking codes of wa.me links: how a conversation that began with a link tells which link it was.

A link is `https://wa.me/<number>?text=<words> [ref:CODE]`. The code is 2-40 letters, digits, `.`, `_`
or `-`, in square brackets with `ref:`, anywhere in the first message. Case does not matter; the code
is returned in capitals. No other form is read: a code must not be found where a person just wrote.
"""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(
    r"\[\s*ref\s*:\s*([A-Z0-9][A-Z0-9._-]{1,39})\s*\]", re.IGNORECASE | re.ASCII
)


def tracking_code(text: str) -> str | None:
    """The code of the first `[ref:CODE]` in the text, in capitals, or None."""
    found = _CODE.search(text)
    return found[1].upper() if found else None


def with_tracking_code(text: str, code: str) -> str:
    """The text a wa.me link carries so that `tracking_code` finds `code` again."""
    return f"{text} [ref:{code.upper()}]" if text else f"[ref:{code.upper()}]"


def without_tracking_code(text: str) -> str:
    """The words of the message as the person meant them, for the reader and the model."""
    return _CODE.sub("", text).strip()
