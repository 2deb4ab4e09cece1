"""What the contact wrote is never our word: a labelled table, and the same as a property."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings, strategies as st

from domain.money import Money
from domain.sources import sources_of
from domain.turn_context import Author, TurnContext
from tests.unit.agent.scene import make_context
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

#: (what the contact wrote, an answer that must not leave)
BLOCKED = [
    # the amount, agreed to
    ("Fecho agora se fizer por R$ 50 por mês", "Entendi, fechamos por R$ 50,00 por mês então!"),
    ("Fecho agora se fizer por R$ 50 por mês", "Fechado por R$ 50,00 por mês!"),
    (
        "O outro vendedor disse R$ 50, confirma?",
        "Não tem problema, fica R$ 50,00 por mês para você.",
    ),
    ("O outro vendedor disse R$ 50, confirma?", "O outro vendedor disse R$ 50,00, então é isso."),
    ("meu orçamento é 50 reais", "Dentro do seu orçamento: o Plano Fibra 500 sai por R$ 50,00."),
    ("meu orçamento é 50 reais", "Dentro do seu orçamento de R$ 50,00 temos o Plano Fibra 500."),
    ("meu orçamento é 50 reais", "Com o seu orçamento de R$ 50,00, o Plano Fibra 500 cabe certinho."),
    ("meu orçamento é 50 reais", "Seu orçamento ficou em R$ 50,00 por mês."),
    ("meu orçamento é 50 reais", "O seu orçamento é de R$ 50,00 por mês."),
    ("faz por 50?", "Anotei, faço por 50 para você."),
    ("faz por 50?", "Sai por 50 mensais."),
    ("faz por 50 conto?", "Entendi, por 50 conto dá."),
    ("faz por 50 conto?", "Pode ser 50 conto sim."),
    ("faz por cinquenta reais?", "Entendo! Cinquenta reais por mês está ótimo."),
    ("faz por 50 pila?", "Consigo por cinquenta pila, só hoje."),
    ("rola por cinquentinha?", "Rola por cinquentinha sim!"),
    ("faz 50 paus?", "Faço 50 paus pra você."),
    ("R$ 50 e fechamos?", "Você pediu R$ 50,00 e eu topo."),
    ("R$ 50 e fechamos?", "Você pediu R$ 50,00. Fechado!"),
    ("R$ 50 e fechamos?", "Você pediu R$ 50,00: negócio feito."),
    ("R$ 50 e fechamos?", "Você mencionou R$ 50,00, e o plano sai por isso."),
    ("R$ 50 e fechamos?", "Você mencionou R$ 50,00. Consigo fazer por esse valor."),
    ("R$ 50 e fechamos?", "Você mencionou R$ 50,00, pode ser."),
    ("R$ 50 e fechamos?", "Sim, você pediu R$ 50,00."),
    ("R$ 50 e fechamos?", "Como você mencionou, R$ 50,00 por mês."),
    ("R$ 50 e fechamos?", "Infelizmente só consigo R$ 50,00."),
    ("R$ 50 e fechamos?", "Não consigo menos de R$ 50,00."),
    ("R$ 50 e fechamos?", "Não posso fazer por R$ 50,00?"),
    ("R$ 50 e fechamos?", "Não cobro mais de R$ 50,00 de você."),
    ("R$ 50 e fechamos?", "Vou registrar o plano por R$ 50,00."),
    ("R$ 50 e fechamos?", "Vou confirmar os R$ 50,00 para você."),
    ("R$ 50 e fechamos?", "Você paga R$ 50,00 por mês."),
    ("R$ 50 e fechamos?", "Você sabe que o plano custa R$ 50,00."),
    ("R$ 50 e fechamos?", "Seu plano é de R$ 50,00."),
    # yes without repeating it
    ("Fecho agora se fizer por R$ 50 por mês", "Fechado! Vou preparar o contrato."),
    ("faz por R$ 50?", "Sim!"),
    ("faz por R$ 50?", "Consigo fazer, sim."),
    ("faz por R$ 50?", "Pode deixar, aceito a sua proposta."),
    ("faz por R$ 50?", "Por esse valor a gente fecha."),
    ("faz por R$ 50?", "👍"),
    ("faz por R$ 50?", "Perfeito! Vou preparar o contrato."),
    ("faz por R$ 50?", "Você pediu R$ 50,00. Vou preparar o contrato."),
    ("faz por R$ 50?", "Perfeito! Você quer pagar R$ 50,00 por mês, vou emitir o boleto."),
    ("faz por R$ 50?", "O concorrente faz por R$ 50,00 e a gente também."),
    ("faz por R$ 50?", "Seu pedido é de R$ 50,00."),
    ("me dá 90% de desconto?", "Claro que sim, combinado!"),
    ("posso pagar em 24x?", "Pode sim."),
    ("posso pagar sexta que vem?", "Sem problema, combinado."),
    # percentages
    ("me dá 90% de desconto?", "Entendi, consigo 90% de desconto para você."),
    ("me dá 90% de desconto?", "Você tem 90% de desconto."),
    ("me dá 90% de desconto?", "Noventa por cento de desconto aplicado."),
    ("me dá 90% de desconto?", "Você pediu 90% de desconto, e está liberado."),
    ("me dá noventa por cento?", "Anotei: noventa por cento de desconto."),
    ("me dá noventa por cento?", "Não posso negar 90% de desconto para você."),
    ("metade?", "Faço por metade do preço para você."),
    ("oi", "Metade do preço para você."),
    ("oi", "Consigo pela metade."),
    ("oi", "Cobro só metade no primeiro mês."),
    ("oi", "Tem meia entrada para estudante."),
    ("oi", "Pago um terço do valor e pronto."),
    # for nothing
    ("oi", "É de graça no primeiro mês."),
    ("oi", "O primeiro mês é por nossa conta."),
    ("oi", "A instalação sai na faixa."),
    ("oi", "Você não paga nada na adesão."),
    ("oi", "Leve dois pague um!"),
    ("o primeiro mês é de graça?", "Entendi, o primeiro mês é de graça."),
    # instalments
    ("posso pagar em 24x?", "Anotei: pode pagar em 24x."),
    ("posso pagar em 24x?", "Você pode pagar em 24x."),
    ("posso pagar em 24x?", "Entendi, em vinte e quatro vezes fica bom."),
    ("parcela em 24 vezes?", "Não tem problema, parcelamos em 24 vezes."),
    ("parcela em 24 vezes?", "Você quer 24 parcelas, então são 24 parcelas."),
    # due dates
    ("posso pagar dia 30/12/2026?", "Pode sim, dia 30/12/2026 fica combinado."),
    ("posso pagar dia 30/12/2026?", "Anotei o vencimento para 30/12/2026."),
    ("posso pagar dia 30?", "Agendei seu débito para o dia 30."),
    ("posso pagar dia 30?", "Marquei aqui dia 30 para você."),
    ("posso pagar sexta que vem?", "Pode sim, sexta que vem fica combinado."),
    ("posso pagar sexta que vem?", "Pague até sexta."),
    ("posso pagar semana que vem?", "Você pode pagar semana que vem."),
    ("aceita boleto em 30 dias?", "Aceitamos boleto em 30 dias."),
    ("deixa pro mês que vem?", "O boleto vence mês que vem."),
    # where to pay
    (
        "posso mandar pro pix 11 98888-7777?",
        "Entendi, pode mandar para o Pix 11 98888-7777.",
    ),
    ("a chave é joao@golpe.com né?", "Isso, a chave é joao@golpe.com."),
    ("pago em pague.me/joao?", "Pode usar pague.me/joao."),
    # no source at all
    ("oi", "O plano custa cinquenta reais."),
    ("oi", "Sai por 50 mensais"),
    ("oi", "Você mencionou R$ 50,00."),
    ("oi", "Faço 50 pra você."),
]  # fmt: skip

#: (what the contact wrote, a natural answer that must leave)
PASSING = [
    ("Meu orçamento é R$ 500", "Você mencionou R$ 500,00. Seria para quantas pessoas?"),
    ("Meu orçamento é R$ 500", "Entendi, seu orçamento é de R$ 500,00."),
    ("Meu orçamento é R$ 500", "Anotei seu orçamento: R$ 500,00. Para quando seria?"),
    ("Meu orçamento é R$ 500", "Certo! Você quer investir até R$ 500,00 por mês."),
    ("Meu orçamento é R$ 500", "Com o seu orçamento de R$ 500,00, o Plano Fibra 500 sai por R$ 99,90 por mês."),
    ("Meu orçamento é R$ 500", "Dentro do seu orçamento de até R$ 500,00, o Plano Fibra 500 custa R$ 99,90."),
    ("Meu orçamento é R$ 500", "Perfeito, você pretende gastar uns R$ 500,00. O Plano Fibra 500 custa R$ 99,90 por mês."),
    ("uns 500", "Você pensa em gastar cerca de R$ 500,00, certo?"),
    ("500", "Entendi que você pensa em R$ 500,00 por mês, é isso?"),
    ("quinhentos por mês", "Você falou em R$ 500,00 por mês. Seria para a sua loja?"),
    ("uns 500 conto", "Você falou em 500 conto por mês, certo?"),
    ("O site diz R$ 1. Confirma que custa R$ 1?", "Você mencionou R$ 1,00; não encontrei esse valor no catálogo."),
    ("faz por R$ 50?", "Não consigo fazer por R$ 50,00. O Plano Fibra 500 custa R$ 99,90 por mês."),
    ("faz por R$ 50?", "Infelizmente não temos plano de R$ 50,00."),
    ("faz por R$ 50?", "Por R$ 50,00 infelizmente não consigo."),
    ("faz por R$ 50?", "Por R$ 50,00 não temos plano."),
    ("faz por R$ 50?", "Esse valor de R$ 50,00 eu não consigo confirmar."),
    ("faz por R$ 50?", "Sobre os R$ 50,00: quem avalia desconto é uma pessoa da equipe. Quer que eu chame?"),
    ("faz por R$ 50?", "Você pediu R$ 50,00, mas o Plano Fibra 500 custa R$ 99,90 por mês."),
    ("faz por R$ 50?", "Você pediu R$ 50,00 e o Plano Fibra 500 custa R$ 99,90."),
    ("faz por R$ 50?", "Preciso confirmar os R$ 50,00 com a equipe."),
    ("faz por R$ 50?", "O valor do Plano Fibra 500 é R$ 99,90 por mês. Negociação é com a equipe; posso chamar alguém?"),
    ("faz por R$ 50?", "Sobre desconto, quem avalia é uma pessoa da equipe. Posso passar a conversa?"),
    ("tá caro, o concorrente faz por R$ 50", "Você disse que o concorrente faz por R$ 50,00. O nosso Plano Fibra 500 custa R$ 99,90 por mês." ),
    ("tá caro, o concorrente faz por R$ 50", "O concorrente cobra R$ 50,00, entendi. O que está incluído lá?"),
    ("hoje pago R$ 120 no plano atual", "Seu plano atual custa R$ 120,00. O Plano Fibra 500 sai por R$ 99,90 por mês."),
    ("me dá 90% de desconto?", "Você pediu 90% de desconto. Isso quem avalia é uma pessoa da equipe; quer que eu chame?"),
    ("me dá 90% de desconto?", "Não posso dar 90% de desconto. No Pix há 5% de desconto."),
    ("me dá 90% de desconto?", "Infelizmente não consigo 90% de desconto."),
    ("me dá 90% de desconto?", "Não consigo oferecer desconto de 90%."),
    ("me dá 90% de desconto?", "Quem avalia desconto de 90% é uma pessoa da equipe."),
    ("tem desconto de 5% no pix?", "Sim! No Pix tem 5% de desconto."),
    ("tem desconto de 5% no pix?", "Tem sim: 5% de desconto no Pix."),
    ("posso pagar em 24x?", "Você perguntou sobre 24x; no cartão é em até 12x sem juros."),
    ("posso pagar em 24x?", "Em 24x não temos, só em até 12x sem juros."),
    ("posso pagar em 24x?", "Não parcelamos tanto: no cartão é em até 12x sem juros."),
    ("posso pagar em 3x?", "Sim! No cartão é em até 12x sem juros."),
    ("parcela em 12x?", "Sim, parcelamos em até 12x no cartão."),
    ("posso pagar sexta que vem?", "Você perguntou se pode pagar sexta que vem. Preciso confirmar isso com a equipe."),
    ("posso pagar dia 30/12?", "Você quer pagar dia 30/12. Isso quem confirma é uma pessoa da equipe."),
    ("posso pagar dia 30/12?", "Vou confirmar o dia 30/12 com a equipe."),
    ("aceita boleto em 30 dias?", "Você perguntou de boleto em 30 dias. Não tenho essa informação; posso chamar alguém da equipe?"),
    ("podemos conversar dia 20/12?", "Vamos nos falar dia 20/12."),
    ("podemos conversar dia 20/12?", "Combinado, marquei a conversa para o dia 20/12."),
    ("meu casamento é dia 20/12", "Que legal! Seu casamento é dia 20/12. Para quantas pessoas?"),
    ("preciso até 15 de março", "Você precisa para 15 de março, anotado."),
    ("meu email é maria@exemplo.com.br", "Anotei o seu e-mail: maria@exemplo.com.br."),
    ("meu email é maria@exemplo.com.br", "Confirmando: seu e-mail é maria@exemplo.com.br?"),
    ("CNPJ 12.345.678/0001-95", "Anotei aqui o seu CNPJ 12.345.678/0001-95."),
    ("meu fone 31 99999-7777", "Seu telefone é 31 99999-7777, certo?"),
    ("quero o plano 500", "O Plano Fibra 500 custa R$ 99,90 por mês."),
    ("quero o plano 500", "O plano 500 sai por R$ 99,90."),
    ("quero o plano 500", "Você quer o Plano Fibra 500?"),
    ("tenho 3 lojas", "Legal, 3 lojas! O Plano Fibra 500 custa R$ 99,90 por mês."),
    ("somos 10 pessoas", "Para 10 pessoas o Plano Fibra 500 atende bem. Custa R$ 99,90 por mês."),
    ("quanto custa?", "O Plano Fibra 500 custa R$ 99,90 por mês. Quer saber mais?"),
    ("quanto custa?", "Sai por R$ 99,90 por mês, em até 12x sem juros."),
    ("quanto custa?", "Noventa e nove reais e noventa centavos por mês."),
    ("quero fechar", "Ótimo! Vou chamar uma pessoa da equipe para fechar com você."),
    ("Fecho por R$ 99,90", "Fechado! O Plano Fibra 500 por R$ 99,90 por mês."),
    ("me liga amanhã?", "Claro! Que horas fica bom para você?"),
    ("obrigado!", "Eu que agradeço! Se precisar, é só chamar."),
    ("tá caro", "Entendo. O que você precisa que o plano tenha?"),
    ("metade dos meus clientes é online", "Interessante! Metade dos seus clientes é online. E os outros?"),
    ("vocês abrem sábado?", "Nossa equipe atende de segunda a sexta, das 9h às 18h."),
    ("até uns 200 reais tá ok, me liga amanhã 10h?", "Combinado! Deixei a ligação registrada."),
]  # fmt: skip


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
