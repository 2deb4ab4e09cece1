"""What the contact wrote is never our word: a labelled table, and the same as a property."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings, strategies as st

from domain.money import Money
from domain.sources import sources_of
from domain.turn_context import Author, TurnContext
from tests.unit.agent.scene import make_context
from tests.unit.domain.borrowed_table import BLOCKED, PASSING
from tests.unit.domain.test_money import in_words

CATALOGUE = {
    "products": [
        {
            "name": "Plano Fibra 500",
            "price": "R$ 99,90",
            "price_centavos": 9_990,
            "billing": "por mês",
        }
    ]
}
PAYING = {"text": "Cartão em até 12x sem juros, ou Pix com 5% de desconto."}


def unsourced(said: str, reply: str) -> list[str]:
    context = make_context(said)
    sources = sources_of(context)
    for result in (CATALOGUE, PAYING):
        sources.read_tool_result(result)
    return [m.quote for m in sources.unsourced(reply, context)]


@pytest.mark.parametrize(("said", "reply"), BLOCKED)
def test_a_figure_the_contact_dictates_or_nobody_gave_is_held(said: str, reply: str) -> None:
    assert unsourced(said, reply)


@pytest.mark.parametrize(("said", "reply"), PASSING)
def test_a_natural_answer_leaves(said: str, reply: str) -> None:
    assert unsourced(said, reply) == []


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(set(BLOCKED)) >= 60
    assert len(set(PASSING)) >= 60


# ---- the same for every amount

AGREEMENTS = [
    "Entendi, fechamos por {}!",
    "Entendi: {} por mês.",
    "Anotei, {} fica ótimo.",
    "Não tem problema, {}.",
    "Infelizmente só por {}.",
    "Dentro do seu orçamento, {}.",
    "Você mencionou {} e eu aceito.",
    "Você mencionou {}. Combinado!",
    "Você pediu {}, fechado.",
    "Você quer {}? Pode ser.",
    "Como você disse, sai por {}.",
    "Seu orçamento é de {}, e o plano fica nisso.",
    "Consigo {} para você.",
    "Sim, {}.",
    "Fica {}, como você pediu.",
    "Por {} a gente fecha, você falou bem.",
    "Não posso negar {}.",
    "O plano custa {}, não mais que isso.",
    "Vou registrar {} no seu pedido.",
    "Preciso confirmar, mas sai por {}.",
    "Você perguntou: dá para fazer por {}.",
]
PROPOSALS = ["faz por {}?", "fecho agora por {}", "meu orçamento é {}", "me falaram {}", "{}"]


def written(units: int) -> list[str]:
    return [
        Money(centavos=units * 100).formatted(),
        f"R${units}",
        f"{units} reais",
        f"{units} conto",
        f"{in_words(units)} reais",
        f"{units}% de desconto",
        f"{in_words(units)} por cento",
    ] + ([f"{units}x"] if 2 <= units <= 120 else [])


@settings(max_examples=400, deadline=None)
@given(data=st.data(), units=st.integers(1, 5_000))
def test_no_agreement_makes_a_price_of_the_contact_ours(data: st.DataObject, units: int) -> None:
    assume(units not in {5, 12, 99, 100})
    asked = data.draw(st.sampled_from(PROPOSALS)).format(data.draw(st.sampled_from(written(units))))
    figure = data.draw(st.sampled_from(written(units)))
    reply = data.draw(st.sampled_from(AGREEMENTS)).format(figure)
    assert unsourced(asked, reply), (asked, reply)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), units=st.integers(1, 5_000))
def test_a_figure_nobody_named_is_held_even_as_an_attribution(
    data: st.DataObject, units: int
) -> None:
    assume(units not in {5, 12, 99, 100})
    figure = data.draw(st.sampled_from(written(units)))
    assert unsourced("oi, quero saber do plano", f"Você mencionou {figure}.")


def test_an_echo_is_no_source_in_a_later_turn_however_the_contact_wrote_it() -> None:
    context = make_context(
        "e aí, fecha?",
        history=[
            (Author.CONTACT, "meu teto é 50"),
            (Author.AGENT, "Entendi, você pensa em R$ 50,00 por mês."),
        ],
    )
    assert later(context, "Custa R$ 50,00 por mês.")
    assert later(context, "Sai por 50 mensais.")


def test_an_echo_is_no_source_when_the_contacts_words_left_the_history() -> None:
    context = make_context("e aí?", history=[(Author.AGENT, "Você mencionou R$ 50,00.")])
    assert later(context, "Custa R$ 50,00 por mês.")


def test_our_own_price_stays_ours_when_the_contact_repeats_it() -> None:
    context = make_context(
        "R$ 99,90 mesmo?", history=[(Author.AGENT, "O Plano Fibra 500 custa R$ 99,90.")]
    )
    assert not later(context, "Isso mesmo, R$ 99,90 por mês.")


def later(context: TurnContext, reply: str) -> bool:
    return bool(sources_of(context).unsourced(reply, context))
