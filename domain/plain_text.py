"""A text as code compares it: lower case, no accents, nothing invisible, digits of one script."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


@lru_cache(maxsize=512)
def plain(text: str) -> str:
    """Lower case, one script of digits, no accents, no invisible characters; line breaks stay."""
    out: list[str] = []
    for char in unicodedata.normalize("NFKD", text):
        category = unicodedata.category(char)
        if category[0] == "M" or category == "Cf":
            continue
        if category == "Nd":
            out.append(str(unicodedata.digit(char)))
        elif category == "Zs":
            out.append(" ")
        else:
            out.append(char)
    return "".join(out).lower()


def code_of(text: str) -> str:
    """A code without what people put between its characters."""
    return re.sub(r"[\s.\-/()+:]", "", plain(text)).rstrip(",;)")
