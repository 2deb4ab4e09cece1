"""Cutting a long text into messages that Meta takes, where a reader would expect a pause."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from domain.content.sendable import TEXT_BODY_MAX, check_text, length

_BORDERS: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?…][\"'”’)\]]*\s"),
    re.compile(r"\s"),
)
_ZWJ: Final = "\u200d"
_EXTENDS: Final = frozenset({"Mn", "Mc", "Me"})


def split_text(body: str, limit: int = TEXT_BODY_MAX) -> list[str]:
    """The text in pieces of at most `limit` UTF-16 units, none of them empty.

    Cut at the last paragraph, else line, else sentence, else word of a piece, as long as that keeps the piece at
    least half full; else between graphemes. Only white space at the cuts is lost. Raises
    InvalidInputError when the text shows nothing.
    """
    check_text("text.body", body, None)
    rest = body.strip()
    pieces: list[str] = []
    while length(rest) > limit:
        cut = _cut(rest, _prefix(rest, limit))
        piece = rest[:cut].rstrip()
        if piece:
            pieces.append(piece)
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def _prefix(text: str, limit: int) -> int:
    """How many characters of `text` fit into `limit` units; at least one."""
    units = 0
    for n, character in enumerate(text):
        units += 2 if character > "\uffff" else 1
        if units > limit:
            return max(n, 1)
    return len(text)


def _cut(text: str, end: int) -> int:
    for border in _BORDERS:
        ends = [found.end() for found in border.finditer(text, 0, end + 1) if found.start() <= end]
        fitting = [cut for cut in ends if len(text[:cut].rstrip()) <= end and cut > end // 2]
        if fitting:
            return fitting[-1]
    cut = end
    while cut > 0 and not _between_graphemes(text, cut):
        cut -= 1
    return cut or end


def _between_graphemes(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if _extends(after) or before == _ZWJ or (before == "\r" and after == "\n"):
        return False
    if _is_flag_half(before) and _is_flag_half(after):
        run = 0
        while run < at and _is_flag_half(text[at - 1 - run]):
            run += 1
        return run % 2 == 0
    return True


def _extends(character: str) -> bool:
    return (
        character == _ZWJ
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or unicodedata.category(character) in _EXTENDS
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
