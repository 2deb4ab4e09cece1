from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings, strategies as st

from domain.errors import RejectedError
from domain.mention import DayRef, Mention, MentionKind
from domain.mentions import find_mentions
from domain.money import Money
from domain.number_words import number_at, tokens_of
from domain.plain_text import plain
from domain.sources import Sources, carries_money, sources_of
from domain.turn_context import Author
from tests.unit.agent.scene import make_context

TODAY = date(2026, 11, 23)
UNITS = [
    "zero",
    "um",
    "dois",
    "três",
    "quatro",
    "cinco",
    "seis",
    "sete",
    "oito",
    "nove",
    "dez",
    "onze",
    "doze",
    "treze",
    "quatorze",
    "quinze",
    "dezesseis",
    "dezessete",
    "dezoito",
    "dezenove",
]
TENS = [
    "",
    "",
    "vinte",
    "trinta",
    "quarenta",
    "cinquenta",
    "sessenta",
    "setenta",
    "oitenta",
    "noventa",
]
HUNDREDS = [
    "", "cento", "duzentos", "trezentos", "quatrocentos", "quinhentos", "seiscentos", "setecentos",
    "oitocentos", "novecentos",
]  # fmt: skip


def in_words(number: int) -> str:
    """How a Brazilian writes a number below a million."""
    if number >= 1000:
        thousands, rest = divmod(number, 1000)
        head = "mil" if thousands == 1 else f"{in_words(thousands)} mil"
        if not rest:
            return head
        return (
            f"{head} e {in_words(rest)}"
            if rest < 100 or rest % 100 == 0
            else f"{head} {in_words(rest)}"
        )
    if number == 100:
        return "cem"
    parts = []
    if number >= 100:
        parts.append(HUNDREDS[number // 100])
        number %= 100
    if number >= 20:
        parts.append(TENS[number // 10])
        number %= 10
    if number or not parts:
        parts.append(UNITS[number])
    return " e ".join(parts)


def amounts(text: str) -> list[int]:
    return [
        m.value.centavos for m in find_mentions(text, today=TODAY) if isinstance(m.value, Money)
    ]


def kinds(text: str) -> list[str]:
    return [m.kind.value for m in find_mentions(text, today=TODAY)]


@given(st.integers(0, 999_999))
def test_every_number_in_words_is_read(number: int) -> None:
    read = number_at(tokens_of(plain(in_words(number))), 0)
    assert read is not None
    assert read.value == number
    assert read.spelled


@given(st.integers(0, 10**12))
def test_formatting_and_reading_are_inverse(centavos: int) -> None:
    money = Money(centavos=centavos)
    assert amounts(f"Custa {money.formatted()}.") == [centavos]


def test_money_is_exact_and_never_mixes_currencies() -> None:
    assert Money(centavos=123_456).formatted() == "R$ 1.234,56"
    assert Money(centavos=-5).formatted() == "-R$ 0,05"
    assert Money.of(Decimal("99.90")) == Money(centavos=9_990)
    assert Money(centavos=1) + Money(centavos=2) == Money(centavos=3)
    with pytest.raises(RejectedError):
        Money(centavos=1) + Money(centavos=1, currency="USD")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("R$ 1.234,56", [123_456]),
        ("R$1234", [123_400]),
        ("1234 reais", [123_400]),
        ("R$ 1,234.56", [123_456]),
        ("custa mil e duzentos", [120_000]),
        ("duzentos e cinquenta e nove reais e noventa centavos", [25_990]),
        ("sai por vinte e nove e noventa", [2_990]),
        ("3 mil e quinhentos reais", [350_000]),
        ("1,5 mil reais", [150_000]),
        ("2k reais", [200_000]),
        ("R$ 2 mil", [200_000]),
        ("um milhão de reais", [100_000_000]),
        ("R$ 29 e 90", [2_990]),
        ("50 centavos", [50]),
        ("R$\u00a01\u00a0234", [123_400]),
        ("１２３ reais", [12_300]),
        ("R\u200b$ 1\u200d23", [12_300]),
        ("𝟗𝟗 reais", [9_900]),
        ("٩٩ reais", [9_900]),
        ("9️⃣9️⃣ reais", [9_900]),
        ("o plano é 149 por mês", [14_900]),
        ("de R$ 199 por R$ 149", [19_900, 14_900]),
        ("teste grátis", [0]),
        ("99,90", [9_990]),
    ],
)
def test_amounts_are_read_however_they_are_written(text: str, expected: list[int]) -> None:
    assert amounts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Atendemos das 9 às 18h, 24 horas por dia no aplicativo.",
        "O plano atende até 10 usuários e 3 lojas.",
        "Leva de 2 a 3 dias para o valor ser confirmado.",
        "1. Plano básico\n2. Plano completo",
        "Mil desculpas pelo transtorno!",
        "Só um minuto, por favor.",
        "É 100% online.",
        "A ligação fica para as 10:30.",
        "São 500 Mega de velocidade no plano.",
        "Isso é 10x mais rápido.",
        "Quero a segunda via do boleto.",
        "Tenho uma dúvida sobre o preço.",
        "A versão 2.0 do plano saiu.",
    ],
)
def test_counts_times_and_phrases_are_not_money(text: str) -> None:
    assert find_mentions(text, today=TODAY) == ()


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("10% de desconto", MentionKind.PERCENT, Decimal(10)),
        ("dez por cento", MentionKind.PERCENT, Decimal(10)),
        ("2,5 por cento ao mês", MentionKind.PERCENT, Decimal("2.5")),
        ("pela metade do preço", MentionKind.PERCENT, Decimal(50)),
        ("em até 12x", MentionKind.INSTALMENTS, 12),
        ("em doze vezes", MentionKind.INSTALMENTS, 12),
        ("3 parcelas", MentionKind.INSTALMENTS, 3),
        ("vence dia 15", MentionKind.DATE, DayRef(15)),
        ("até 15/03/2027", MentionKind.DATE, DayRef(15, 3, 2027)),
        ("15 de março", MentionKind.DATE, DayRef(15, 3)),
        ("o boleto vence amanhã", MentionKind.DATE, DayRef(24, 11, 2026)),
        ("pague até sexta-feira", MentionKind.DATE, DayRef(27, 11, 2026)),
        ("2027-03-15", MentionKind.DATE, DayRef(15, 3, 2027)),
    ],
)
def test_percentages_instalments_and_dates_are_read(
    text: str, kind: MentionKind, value: object
) -> None:
    assert (kind, value) in [(m.kind, m.value) for m in find_mentions(text, today=TODAY)]


@pytest.mark.parametrize(
    "code",
    [
        "123e4567-e89b-12d3-a456-426614174000",
        "+55 31 99999-7777",
        "123.456.789-09",
        "12.345.678/0001-95",
        "financeiro@empresa.com.br",
        "34191.79001 01043.510047 91020.150008 5 84410026000",
        "00020126360014br.gov.bcb.pix0114+5531999997777520400005303986",
        "https://pague.exemplo/x?id=1",
        "pague.me/joao",
    ],
)
def test_pix_keys_and_payment_codes_need_a_source(code: str) -> None:
    text = f"A chave Pix é {code}"
    assert kinds(text) == ["code"]
    sources = Sources()
    assert sources.unsourced(text, make_context())
    sources.read_tool_result({"pix": code})
    assert not sources.unsourced(text, make_context())


def spellings(centavos: int) -> list[str]:
    """The same amount as people write it, in a sentence of a seller."""
    money = Money(centavos=centavos)
    units, rest = divmod(centavos, 100)
    ungrouped = f"{units},{rest:02d}"
    spelled = f"{in_words(units)} {'real' if units == 1 else 'reais'}"
    out = [
        f"O plano sai por {money.formatted()} por mês.",
        f"Fica R${ungrouped}",
        f"{ungrouped} reais, fechado?",
        f"BRL {ungrouped}",
        f"Custa {ungrouped} mensais",
        f"Total: R$ {units:,}.{rest:02d}",
        f"Faço por rs {ungrouped}!",
        f"*R$ {ungrouped}*",
        f"Entrada de {money.formatted().replace(' ', chr(0xA0))} e pronto",
        "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in f"R$ {ungrouped}"),
    ]
    if rest:
        out += [f"{spelled} e {in_words(rest)} centavos", f"{units} reais e {rest} centavos"]
    else:
        out += [
            spelled,
            f"{units} reais",
            f"R$ {units}",
            f"R${units}/mês",
            f"Consigo {spelled} para você",
            f"{units} conto",
        ]
        if units >= 2:
            out += [
                f"Custa {units}.",
                f"sai por {in_words(units)}",
                f"só {units} por mês",
                f"o valor é {units}",
            ]
        if units % 1000 == 0 and units:
            out += [
                f"{units // 1000} mil reais",
                f"R$ {units // 1000} mil",
                f"custa {units // 1000}k",
            ]
        if units % 500 == 0 and units >= 1000:
            out.append(f"R$ {units // 1000},{units % 1000 // 100} mil")
    return out


CENTAVOS = st.one_of(
    st.integers(1, 99_999_999),
    st.integers(1, 999_999).map(lambda units: units * 100),
    st.integers(1, 999).map(lambda thousands: thousands * 100_000),
)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), known=st.sets(CENTAVOS, max_size=4), centavos=CENTAVOS)
def test_an_amount_without_a_source_is_found_in_every_spelling(
    data: st.DataObject, known: set[int], centavos: int
) -> None:
    assume(centavos not in known)
    text = data.draw(st.sampled_from(spellings(centavos)))
    sources = Sources()
    sources.read_tool_result({"products": [{"price_centavos": value} for value in known]})
    assert sources.unsourced(text, make_context()), text


@settings(max_examples=300, deadline=None)
@given(data=st.data(), centavos=CENTAVOS)
def test_an_amount_with_a_source_passes_in_every_spelling(
    data: st.DataObject, centavos: int
) -> None:
    text = data.draw(st.sampled_from(spellings(centavos)))
    sources = Sources()
    sources.read_tool_result({"price_centavos": centavos})
    unsourced: tuple[Mention, ...] = sources.unsourced(text, make_context())
    assert not unsourced, text


def test_a_multiple_of_a_known_price_is_no_known_price() -> None:
    sources = Sources()
    sources.read_tool_result({"price_centavos": 9_900})
    assert sources.unsourced("No ano dá R$ 1.188,00", make_context())
    assert sources.unsourced("São 12x de R$ 99,00", make_context())


def test_a_number_that_belongs_to_a_products_name_is_no_price() -> None:
    sources = Sources()
    sources.read_tool_result({"name": "Plano Fibra 500", "price_centavos": 9_990})
    assert not sources.unsourced("O Plano Fibra 500 custa R$ 99,90", make_context())
    assert sources.unsourced("O Plano Fibra 500 custa 500 reais", make_context())


def test_a_due_date_of_the_contact_is_not_granted_by_repeating_it() -> None:
    sources = sources_of(make_context("posso pagar dia 20/12?"))
    assert sources.unsourced("Pode pagar dia 20/12, combinado.", make_context())
    assert not sources.unsourced("Vamos nos falar dia 20/12.", make_context())


def test_an_old_quote_of_the_ai_has_to_be_looked_up_again() -> None:
    fresh = make_context("e aí?", history=[(Author.AGENT, "O plano custa R$ 99,90.")])
    assert not sources_of(fresh).unsourced("Custa R$ 99,90.", fresh)
    stale = replace(fresh, now=fresh.now.replace(day=27))
    assert sources_of(stale).unsourced("Custa R$ 99,90.", stale)


def test_a_message_knows_whether_it_carries_money() -> None:
    assert carries_money("Fica R$ 99,90")
    assert carries_money("10% de desconto")
    assert not carries_money("Falamos dia 15/12, às 10h.")
