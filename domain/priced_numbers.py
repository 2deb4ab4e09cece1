"""Numbers of one sentence that are money: currency beside them, a percent sign, instalments, a day.

A bare number ("custa 149") counts when its sentence speaks of a price and no counted thing follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from domain.mention import DayRef, Mention, MentionKind
from domain.money import BRL, Money
from domain.number_words import Number, Token, number_at, tokens_of

MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("janeiro jan", "fevereiro fev", "marco mar", "abril abr", "maio mai", "junho jun",
         "julho jul", "agosto ago", "setembro set", "outubro out", "novembro nov", "dezembro dez"), 1)
    for name in names.split()
}  # fmt: skip
_CURRENCY_BEFORE: Final = {
    "r$": BRL,
    "rs": BRL,
    "brl": BRL,
    "reais": BRL,
    "us$": "USD",
    "usd": "USD",
    "$": BRL,
    "€": "EUR",
    "eur": "EUR",
    "£": "GBP",
}
_CURRENCY_AFTER: Final = {
    **dict.fromkeys(("reais", "real", "conto", "contos", "pila", "pilas", "mango", "mangos", "prata", "pratas", "pau", "paus", "brl", "r$", "dinheiros"), BRL),
    **dict.fromkeys(("dolar", "dolares", "usd", "us$"), "USD"),
    **dict.fromkeys(("euro", "euros", "eur", "€"), "EUR"),
}  # fmt: skip
_PRICE: Final = re.compile(
    r"\b(prec\w*|valor\w*|cust(?:a|am|o|os|ar|ou|aria|ava)|sa(?:i|indo|iria)|fic(?:a|am|ou|aria|ando)|por|mensa(?:l|is|lidades?)|"
    r"anua(?:l|is|lidades?)|pag(?:a|ar|ue|ando|amento)|cobr\w+|descontos?|parcel\w+|total|apenas|so|somente|partir de|"
    r"investimento|orcamento|oferta|promocao|promocional|vista|entrada|taxa|tarifa|multa|juros|frete|plano|reais|barato|caro|vale|fech\w+|"
    r"fac(?:o|emos)|faz(?:emos|er|em)?|faria|fizer(?:em)?|cons[ei]g\w+|deix\w+|dou|damos)\b"
)
#: A word right after a bare number that does not make it a count of something.
_NOT_A_NOUN: Final = frozenset(
    [
        "por",
        "ao",
        "a",
        "as",
        "na",
        "no",
        "em",
        "cada",
        "mensal",
        "mensais",
        "anual",
        "anuais",
        "e",
        "ou",
        "com",
        "sem",
        "ja",
        "so",
        "apenas",
        "reais",
        "vista",
        "de",
        "para",
        "pra",
        "hoje",
        "mas",
        "que",
        "ate",
        "nesse",
        "neste",
        "nessa",
        "nesta",
        "total",
        "agora",
        "tambem",
        "mesmo",
        "pelo",
        "pela",
        "contra",
        "se",
        "porque",
        "pois",
        "fixo",
        "fixos",
        "mes",
        "ano",
        "o",
        "os",
    ]
)
_RANGE: Final = frozenset({"a", "ou", "e", "ate", "-", "–", "—", "/"})
_CLOCK_BEFORE: Final = frozenset({"as", "das", "pelas"})
_INSTALMENT_WORDS: Final = frozenset(
    {"parcela", "parcelas", "prestacao", "prestacoes", "boletos", "mensalidades"}
)
_SMALLEST_BARE: Final = 2

Read = tuple[MentionKind, Money | Decimal | int | DayRef, int]


def priced_numbers(rest: str, sentence: str, *, bare: bool) -> Iterator[Mention]:
    tokens = tokens_of(rest)
    index = 0
    while index < len(tokens):
        number = number_at(tokens, index)
        if number is None:
            index += 1
            continue
        mention, index = _classify(tokens, number, sentence, rest, bare=bare)
        if mention is not None:
            yield mention


def _classify(
    tokens: Sequence[Token], number: Number, sentence: str, rest: str, *, bare: bool
) -> tuple[Mention | None, int]:
    for reader in (_percent, _amount, _instalments, _day):
        read = reader(tokens, number)
        if read is not None:
            kind, value, after = read
            return _mention(kind, value, tokens, number, after, sentence, rest), after
    if bare and _is_bare_price(tokens, number, sentence):
        units, after = _with_loose_cents(tokens, number)
        mention = _mention(
            MentionKind.AMOUNT,
            Money.of(units),
            tokens,
            number,
            after,
            sentence,
            rest,
            bare=True,
        )
        return mention, after
    return None, number.after


def _percent(tokens: Sequence[Token], number: Number) -> Read | None:
    after = number.after
    words = [_text(tokens, after + n) for n in range(3)]
    length = 0
    if words[0] in {"%", "pct", "porcento"}:
        length = 1
    elif words[:2] == ["por", "cento"] or words[:2] == ["pontos", "percentuais"]:
        length = 2
    elif words[0] == "off":
        length = 1
    if not length:
        return None
    following = {_text(tokens, after + length + n) for n in range(3)}
    if number.value == 100 and not following & {"desconto", "off", "gratis", "abatimento"}:
        return None
    return MentionKind.PERCENT, number.value, after + length


def _amount(tokens: Sequence[Token], number: Number) -> Read | None:
    before = _CURRENCY_BEFORE.get(_text(tokens, number.first - 1))
    if _text(tokens, number.first - 1) == "reais" and number.spelled:
        before = None
    place = number.after + (
        1
        if _text(tokens, number.after) == "de" and _text(tokens, number.after + 1) == "reais"
        else 0
    )
    behind = _CURRENCY_AFTER.get(_text(tokens, place))
    if _text(tokens, number.after) in {"centavo", "centavos"} and before is None:
        return MentionKind.AMOUNT, Money.of(number.value / 100), number.after + 1
    if before is None and behind is None:
        return None
    after = place + 1 if behind is not None and before is None else number.after
    value, after = _with_cents(tokens, number.value, after)
    return MentionKind.AMOUNT, Money.of(value, before or behind or BRL), after


def _with_cents(tokens: Sequence[Token], value: Decimal, after: int) -> tuple[Decimal, int]:
    """Adds "e noventa centavos", or a loose "e noventa" after reais."""
    if value != value.to_integral_value() or _text(tokens, after) not in {"e", "com"}:
        return value, after
    cents = number_at(tokens, after + 1)
    if cents is None or not 0 < cents.value < 100 or cents.value != cents.value.to_integral_value():
        return value, after
    following = _text(tokens, cents.after)
    if following in {"centavo", "centavos"}:
        return value + cents.value / 100, cents.after + 1
    if following in {"", ".", ",", "por", "ao", "mensais", "cada"} and _text(tokens, after) == "e":
        return value + cents.value / 100, cents.after
    return value, after


def _with_loose_cents(tokens: Sequence[Token], number: Number) -> tuple[Decimal, int]:
    if not number.spelled:
        return number.value, number.after
    return _with_cents(tokens, number.value, number.after)


def _instalments(tokens: Sequence[Token], number: Number) -> Read | None:
    if number.value != number.value.to_integral_value() or not 2 <= number.value <= 120:
        return None
    after = number.after
    word, following = _text(tokens, after), _text(tokens, after + 1)
    is_times = (
        word == "x"
        and following not in {"mais", "menos", "melhor", "maior", "menor"}
        and not (following and following[0].isdigit())
    )
    is_rounds = word == "vezes" and (
        _text(tokens, number.first - 1) == "em"
        or following in {"sem", "de", "no", "iguais", "r$", "com"}
        or (following in {",", ".", "!", ""} and "sem" in {_text(tokens, after + 2), ""})
    )
    if is_times or is_rounds or word in _INSTALMENT_WORDS:
        return MentionKind.INSTALMENTS, int(number.value), after + 1
    return None


def _day(tokens: Sequence[Token], number: Number) -> Read | None:
    before = _text(tokens, number.first - 1)
    if (
        before != "dia"
        or not 1 <= number.value <= 31
        or number.value != number.value.to_integral_value()
    ):
        return None
    after = number.after
    month = MONTHS.get(_text(tokens, after + 1)) if _text(tokens, after) == "de" else None
    return MentionKind.DATE, DayRef(int(number.value), month), after + (2 if month else 0)


def _is_bare_price(tokens: Sequence[Token], number: Number, sentence: str) -> bool:
    first, before = tokens[number.first], _text(tokens, number.first - 1)
    glued = (
        number.first > 0
        and tokens[number.first - 1].end == first.start
        and before not in {":", "(", '"', "*", "'"}
    )
    minutes = before == ":" and _text(tokens, number.first - 2)[:1].isdigit()
    if glued or minutes or before in _CLOCK_BEFORE or _is_list_number(tokens, number):
        return False
    if _text(tokens, number.after) == ":" and _starts_with_digit(tokens, number.after + 1):
        return False
    if not number.spelled and number.value.as_tuple().exponent == -2:
        return not _is_noun(_text(tokens, number.after))
    if number.value < _SMALLEST_BARE or not _PRICE.search(sentence):
        return False
    after = number.after
    while _text(tokens, after) in _RANGE and (upper := number_at(tokens, after + 1)) is not None:
        after = upper.after
    return not _is_noun(_text(tokens, after))


def _is_noun(word: str) -> bool:
    """A counted thing follows ("10 usuários", "24h", "500 mb")."""
    return word.isalpha() and word not in _NOT_A_NOUN


def _is_list_number(tokens: Sequence[Token], number: Number) -> bool:
    return (
        number.first == 0 and _text(tokens, number.after) in {".", ")", "-"} and not number.spelled
    )


def _starts_with_digit(tokens: Sequence[Token], index: int) -> bool:
    return _text(tokens, index)[:1].isdigit()


def _text(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""


def _mention(
    kind: MentionKind,
    value: Money | Decimal | int | DayRef,
    tokens: Sequence[Token],
    number: Number,
    after: int,
    sentence: str,
    rest: str,
    *,
    bare: bool = False,
) -> Mention:
    before = _text(tokens, number.first - 1)
    start = (
        tokens[number.first - 1].start if before in _CURRENCY_BEFORE else tokens[number.first].start
    )
    return Mention(
        kind=kind,
        value=value,
        quote=rest[start : tokens[after - 1].end].strip(),
        sentence=sentence,
        bare=bare,
        before=f"{before} {tokens[number.first].text}",
    )


@lru_cache(maxsize=2048)
def numbers_in(sentence: str) -> frozenset[Decimal]:
    """Every number of a plain text, whatever it counts."""
    tokens = tokens_of(sentence)
    found: set[Decimal] = set()
    index = 0
    while index < len(tokens):
        number = number_at(tokens, index)
        if number is not None:
            found.add(number.value)
        index = index + 1 if number is None else number.after
    return frozenset(found)
