"""Portuguese numbers written in words, digits, or both: "mil e duzentos", "3 mil e 500", "1,2 milhão"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

_UNITS: Final = {
    word: value
    for value, words in enumerate(
        (
            "zero", "um uma hum", "dois duas", "tres", "quatro", "cinco", "seis", "sete", "oito",
            "nove", "dez", "onze", "doze", "treze", "quatorze catorze", "quinze",
            "dezesseis dezasseis", "dezessete dezassete", "dezoito", "dezenove dezanove",
        )
    )
    for word in words.split()
}  # fmt: skip
_TENS: Final = {
    word: value
    for value, word in enumerate(
        ("vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa"), 2
    )
}
_HUNDREDS: Final = {
    **dict.fromkeys(("cem", "cento"), 1),
    **{
        stem + end: value
        for value, stem in (
            (2, "duzent"), (3, "trezent"), (4, "quatrocent"), (5, "quinhent"),
            (6, "seiscent"), (7, "setecent"), (8, "oitocent"), (9, "novecent"),
        )
        for end in ("os", "as")
    },
}  # fmt: skip
WORDS: Final[dict[str, int]] = {
    **_UNITS,
    **{word: value * 10 for word, value in _TENS.items()},
    **{word: value * 100 for word, value in _HUNDREDS.items()},
}
_SCALES: Final = {
    "mil": 1_000,
    "k": 1_000,
    "milhao": 10**6,
    "milhoes": 10**6,
    "mi": 10**6,
    "bilhao": 10**9,
    "bilhoes": 10**9,
}
_SCALE_ONLY_AFTER_DIGITS: Final = frozenset({"k", "mi"})

_TOKEN: Final = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)|(?P<word>r\$|us\$|[a-z_]+(?:'[a-z]+)?|[$€£%])|(?P<symbol>\S)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    text: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number phrase: tokens `first` to before `after`. `spelled` when it has no digit in it."""

    value: Decimal
    first: int
    after: int
    spelled: bool


def tokens_of(text: str) -> tuple[Token, ...]:
    """`text` is lower case and without accents (see `mentions.plain`)."""
    return tuple(
        Token(text=m.group(), start=m.start(), end=m.end(), kind=m.lastgroup or "symbol")
        for m in _TOKEN.finditer(text)
    )


def decimal_of(digits: str) -> Decimal | None:
    """`1.234,56`, `1,234.56`, `1234,5`, `1.234` (thousands) or `99.90` (a point and two digits)."""
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return Decimal(digits)
    head, tail = digits[:last], digits[last + 1 :]
    both = "," in digits and "." in digits
    grouped = len(tail) == 3 and not both
    if both and digits.count(digits[last]) > 1:
        return Decimal(re.sub(r"\D", "", digits))
    whole = re.sub(r"\D", "", head)
    if grouped or digits.count(digits[last]) > 1:
        return Decimal(whole + tail)
    return Decimal(f"{whole or '0'}.{tail}")


def number_at(tokens: Sequence[Token], index: int) -> Number | None:
    """The longest number phrase that begins at `index`."""
    total = Decimal(0)
    place = index
    spelled = True
    ceiling: Decimal | None = None
    while True:
        start = place + 1 if place > index and _is_and(tokens, place) else place
        group = _group_at(tokens, start)
        if group is None or (ceiling is not None and group[0] >= ceiling):
            break
        value, after, in_words = group
        if place > index and not in_words and (start == place or ceiling is None):
            break
        scale = _scale_at(tokens, after, in_words=in_words)
        spelled = spelled and in_words
        if scale:
            total += value * scale
            place, ceiling = after + 1, Decimal(scale)
            continue
        total += value
        place = after
        break
    if place == index:
        return None
    return Number(value=total, first=index, after=place, spelled=spelled)


def _group_at(tokens: Sequence[Token], index: int) -> tuple[Decimal, int, bool] | None:
    """One group below a thousand in words ("duzentos e dez"), or digits, or a bare "mil"."""
    if index >= len(tokens):
        return None
    token = tokens[index]
    if token.kind == "number":
        value = decimal_of(token.text)
        return None if value is None else (value, index + 1, False)
    if token.text == "mil":
        return Decimal(1), index, True
    total, limit, place = 0, 1000, index
    while place < len(tokens):
        at = place + 1 if place > index and _is_and(tokens, place) else place
        word = WORDS.get(tokens[at].text) if at < len(tokens) else None
        if word is None or word >= limit or (word == 0 and place > index):
            break
        total += word
        limit = 100 if word >= 100 else 10 if word >= 20 else 1
        place = at + 1
    return None if place == index else (Decimal(total), place, True)


def _scale_at(tokens: Sequence[Token], index: int, *, in_words: bool) -> int:
    if index >= len(tokens):
        return 0
    text = tokens[index].text
    if in_words and text in _SCALE_ONLY_AFTER_DIGITS:
        return 0
    return _SCALES.get(text, 0)


def _is_and(tokens: Sequence[Token], index: int) -> bool:
    return index < len(tokens) and tokens[index].text == "e"
