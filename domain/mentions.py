"""Finds what a text says about money: amounts, percentages, instalments, due dates, payment codes.

The text is read as a customer would read it, whatever the spelling: digits of any script, letters of
any width, with or without accents, numbers in words. Sentences matter only for bare numbers ("custa
149"), which count as money when the sentence speaks of a price and no counted noun follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from domain.mention import DayRef, Mention, MentionKind
from domain.money import Money
from domain.plain_text import code_of, plain
from domain.priced_numbers import MONTHS, priced_numbers

_SENTENCE: Final = re.compile(r".+?(?:[.!?;](?=\s|$)|\n|$)", re.DOTALL)

_URL: Final = r"(?:https?://|www\.)\S+|\b[a-z0-9-]+\.(?:com|net|org|app|io|link|me|ly|shop|store|site|online)(?:\.br)?(?:/\S*)?\b"
_EMAIL: Final = r"[a-z0-9._%+\-]+@[a-z0-9.\-]+\.[a-z]{2,}"
_UUID: Final = r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b"
_EMV: Final = r"\b000201[0-9a-z*./+@\-]{20,}"
_LONG: Final = r"(?<![\d,])\+?\(?\d(?:[ .\-/()]{0,2}\d){9,}(?!,?\d)"
_CODES: Final = re.compile("|".join((_EMAIL, _URL, _UUID, _EMV, _LONG)))

_ISO_DATE: Final = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?!\d)")
_SLASH_DATE: Final = re.compile(
    r"(?<![\d/.,])(\d{1,2})\s?([/.\-])\s?(\d{1,2}|[a-z]{3,9})(?:\s?\2\s?(\d{4}|\d{2}))?(?![\d/])"
)
_MONTH_DATE: Final = re.compile(
    r"\b(\d{1,2})(?:o|a)?\s+(?:de\s+)?("
    + "|".join(sorted(MONTHS, key=len, reverse=True))
    + r")\b(?:\s+(?:de\s+)?(\d{4}))?"
)
_WEEKDAYS: Final = {
    "segunda": 0,
    "terca": 1,
    "quarta": 2,
    "quinta": 3,
    "sexta": 4,
    "sabado": 5,
    "domingo": 6,
}
#: Weekdays are ordinals too ("segunda via", "quinta parcela"): only with the words that make them days.
_RELATIVE: Final = re.compile(
    r"\b(?:(depois de amanha|amanha|hoje)|"
    r"(?:(?:ate(?: a)?|na|nesta|nessa|esta|essa|proxima|para(?: a)?|pra|toda)\s+)"
    r"("
    + (_DAY := "|".join(_WEEKDAYS))
    + r")(?:-feira)?(?!\s+(?:via|vez|parcela|opcao|loja|etapa|fase))|"
    r"(?<!de )(?<! a )(?<!e )("
    + _DAY
    + r")(?:-feira)?(?:\s+que\s+vem)?(?!\s+(?:a|via|vez|parcelas?|opcao|loja|etapa|fase|a)\b)|"
    r"((?:em|para|pra|ate|so em) (?:janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro)|"
    r"(?:semana|mes) que vem|proxim[oa] (?:semana|mes)|(?:fim|final|comeco|inicio) d[oe] mes|"
    r"(?:em|daqui a|com|depois de|apos) \w+ (?:dias?|semanas?|meses)))\b"
)
_DUE: Final = re.compile(
    r"\b(venc\w*|pag(?:ar|amento|ue|ando|uem)|paga (?=ate|em|na|no|so|seg|ter|qua|qui|sex|sab|dom|mes|dep|daqui|ama)|boletos?|fatura|prazo|valid[ao]s?|validade|promocao|oferta|desconto|"
    r"quit(?:ar|e|a)|debito|cobranca|parcelas?|entrada)\b"
)
_FREE: Final = re.compile(
    r"\b(gratis|gratuit[oa]s?|gratuitamente|de graca|sem (?:nenhum )?custos?|custo zero|isent[oa]s?|isencao|cortesia|brindes?|"
    r"bonificad[oa]s?|nao (?:vai )?paga(?:r)? nada|(?:mes|mensalidade|adesao|instalacao) nao (?:se )?paga|sem pagar(?: nada)?|por nossa conta|na faixa|0800|"
    r"(?:leve|leva|compre|compra) \w+ (?:e )?(?:pague|paga|pagando|ganhe|ganha) \w+)\b"
)
_PART: Final = r"d[oae]s? (?:precos?|valor(?:es)?|mensalidades?|taxas?|planos?|custos?)"
_SHARES: Final = (
    (
        re.compile(
            rf"\b(?:(?:pela|por|so|apenas|na) metade|metade {_PART}|metade (?:agora|hoje|antes|depois|a vista|no ato|na entrega|de entrada)|mei[oa] (?:preco|entrada|mensalidade|taxa))\b"
        ),
        Decimal(50),
    ),
    (re.compile(rf"\b(?:um )?terco {_PART}\b"), Decimal(33)),
    (re.compile(rf"\b(?:um )?quarto {_PART}\b"), Decimal(25)),
)
_SLANG: Final = re.compile(
    r"\b(?:(?:vint|trint|quarent|cinquent|sessent|setent|oitent|novent|duzent|trezent|quinhent)(?:inhos?|inhas?|ao|oes|ola)|"
    r"ce[mn](?:zinho|tao)|milzinho)\b"
)
_SLANG_STEMS: Final = {
    "vint": 20, "trint": 30, "quarent": 40, "cinquent": 50, "sessent": 60, "setent": 70, "oitent": 80,
    "novent": 90, "duzent": 200, "trezent": 300, "quinhent": 500, "ce": 100, "mil": 1000,
}  # fmt: skip


@lru_cache(maxsize=2048)
def find_mentions(
    text: str, *, today: date | None = None, bare: bool = True, due: bool = False
) -> tuple[Mention, ...]:
    """Everything the text says about money, in order of kind. `today` resolves "amanhã" in due dates.

    `due`: the talk is about paying, so a relative day is a due date whatever its sentence says.
    """
    found: list[Mention] = []
    for sentence in sentences_of(text):
        found.extend(_in_sentence(sentence, today, bare=bare, due=due))
    return tuple(found)


def sentences_of(text: str) -> tuple[str, ...]:
    """The sentences of a text in plain form, as mentions name them."""
    found = (_hide_spaced_thousands(m.group().strip()) for m in _SENTENCE.finditer(plain(text)))
    return tuple(sentence for sentence in found if sentence)


def _in_sentence(sentence: str, today: date | None, *, bare: bool, due: bool) -> Iterator[Mention]:
    for pattern, value in ((_FREE, Money(centavos=0)), *_SHARES):
        kind = MentionKind.AMOUNT if isinstance(value, Money) else MentionKind.PERCENT
        for match in pattern.finditer(sentence):
            yield Mention(kind=kind, value=value, quote=match.group(), sentence=sentence)
    for match in _SLANG.finditer(sentence):
        units = next(n for stem, n in _SLANG_STEMS.items() if match.group().startswith(stem))
        value = Money.of(Decimal(units))
        yield Mention(kind=MentionKind.AMOUNT, value=value, quote=match.group(), sentence=sentence)
    rest, dates = _take_dates(sentence, today, due=due or _DUE.search(sentence) is not None)
    yield from dates
    rest, codes = _take_codes(rest, sentence)
    yield from codes
    yield from priced_numbers(rest, sentence, bare=bare)


# ---- dates


def _take_dates(sentence: str, today: date | None, *, due: bool) -> tuple[str, list[Mention]]:
    found: list[Mention] = []

    def note(match: re.Match[str], value: DayRef | None) -> str:
        found.append(
            Mention(kind=MentionKind.DATE, value=value, quote=match.group(), sentence=sentence)
        )
        return " " * len(match.group())

    def iso(match: re.Match[str]) -> str:
        return note(match, DayRef(int(match[3]), int(match[2]), int(match[1])))

    def slash(match: re.Match[str]) -> str:
        month = int(match[3]) if match[3].isdigit() else MONTHS.get(match[3], 0)
        if match[2] != "/" and match[4] is None and match[3].isdigit():
            return match.group()  # 10.12 and 10-12 are more often a number and a range
        if not (1 <= int(match[1]) <= 31 and 1 <= month <= 12):
            return match.group()
        return note(match, DayRef(int(match[1]), month, _year(match[4])))

    def named(match: re.Match[str]) -> str:
        return note(match, DayRef(int(match[1]), MONTHS[match[2]], _year(match[3])))

    rest = _ISO_DATE.sub(iso, sentence)
    rest = _SLASH_DATE.sub(slash, rest)
    rest = _MONTH_DATE.sub(named, rest)
    if due:
        for match in _RELATIVE.finditer(rest):
            note(match, _resolve(match[1] or match[2] or match[3] or "", today))
    return rest, found


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) + (2000 if len(text) == 2 else 0)


def _resolve(word: str, today: date | None) -> DayRef | None:
    if today is None:
        return None
    ahead = {"hoje": 0, "amanha": 1, "depois de amanha": 2}.get(word)
    if ahead is None and word not in _WEEKDAYS:
        return None  # "mês que vem": no single day
    if ahead is None:
        ahead = (_WEEKDAYS[word] - today.weekday()) % 7
    day = today + timedelta(days=ahead)
    return DayRef(day.day, day.month, day.year)


# ---- codes


_SPACED: Final = re.compile(r"(?<=\d) (?=\d{3}(?:\D|$))")
_SPACED_AMOUNT: Final = re.compile(
    r"(?:r\$|rs|brl)\s*\d{1,3}(?: \d{3})+(?!\d)|\b\d{1,3}(?: \d{3})+(?:,\d{2})?(?= reais)"
)


def _hide_spaced_thousands(sentence: str) -> str:
    """`R$ 1 234` is one number."""
    return _SPACED_AMOUNT.sub(lambda m: _SPACED.sub("", m.group()), sentence)


def _take_codes(rest: str, sentence: str) -> tuple[str, list[Mention]]:
    found: list[Mention] = []

    def note(match: re.Match[str]) -> str:
        before = rest[: match.start()].rstrip()
        if before.endswith(("r$", "brl", "us$", "$")):
            return match.group()
        found.append(
            Mention(
                kind=MentionKind.CODE,
                value=code_of(match.group()),
                quote=match.group(),
                sentence=sentence,
            )
        )
        return " " * len(match.group())

    return _CODES.sub(note, rest), found
