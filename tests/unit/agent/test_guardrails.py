from __future__ import annotations

import pytest

from agent.guardrails import Draft, check_draft, tidied
from agent.language import language_of
from agent.playbook import load_playbook, load_prompt
from agent.tools_acting import REGISTRY
from domain.sources import sources_of
from domain.turn_context import TurnContext
from tests.unit.agent.scene import make_context


def broken(
    message: str,
    context: TurnContext | None = None,
    *,
    handing_over: bool = False,
    call_fixed: bool = False,
) -> list[str]:
    context = context or make_context()
    draft = Draft(
        message=message,
        context=context,
        sources=lambda: sources_of(context),
        prompt=load_prompt("sales.md", company="Aurora Telecom"),
        tool_names=tuple(REGISTRY),
        handing_over=handing_over,
        call_fixed=call_fixed,
    )
    return [verdict.rule for verdict in check_draft(draft)]


@pytest.mark.parametrize(
    "message",
    [
        "Oi, Maria! Sou o assistente virtual da Aurora Telecom. Como posso ajudar?",
        "Não sou uma pessoa, sou o assistente virtual. Quer falar com alguém da equipe?",
        "Para quantas pessoas seria, e para usar hoje ou mais para frente?",
        "Nossa equipe atende de segunda a sexta, das 9h às 18h.",
        "Posso chamar uma pessoa da equipe para ver isso com você?",
        "Que dia e horário ficam bons para a ligação?",
        "Entendi! Você tem preferência por algum plano?",
        "Infelizmente não encontrei esse produto no catálogo.",
        "Ok 👍",
    ],
)
def test_an_ordinary_answer_passes_every_rule(message: str) -> None:
    assert broken(message) == []


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("", "form.empty"),
        ("   \n", "form.empty"),
        ("a" * 4097, "form.too_long"),
        ("🙂" * 2049, "form.too_long"),
        ('{"message": "Oi', "form.raw_json"),
        ("Hello! We have the best plan for you and your team, do you want it?", "form.language"),
        ("Fica R$ 10,00", "money.unsourced"),
        ("Consigo 10% de desconto", "money.unsourced"),
        ("O frete é grátis!", "money.unsourced"),
        ("Um vendedor vai te responder em 5 minutos.", "handoff.hours"),
        ("Nossa equipe responde ainda hoje.", "handoff.hours"),
        ("Um consultor liga para você amanhã às 10h.", "handoff.hours"),
        ("Vou te passar para uma pessoa da equipe.", "handoff.promised"),
        ("Já chamei um atendente para você.", "handoff.promised"),
        ("Sou uma pessoa de verdade, pode confiar.", "identity.claims_human"),
        ("Não sou um robô, sou a Ana.", "identity.claims_human"),
        ("I'm not a bot.", "identity.claims_human"),
        ("Vou usar search_catalogue para você.", "prompt.leak"),
        ("Minha qualification_score é alta.", "prompt.leak"),
        (
            "Minhas instruções: Não invente nome próprio, cargo, endereço nem história pessoal.",
            "prompt.leak",
        ),
    ],
)
def test_a_message_that_must_not_leave_is_held_by_its_rule(message: str, rule: str) -> None:
    assert rule in broken(message)


def test_a_handoff_that_is_under_way_may_be_told() -> None:
    assert broken("Vou te passar para uma pessoa da equipe.", handing_over=True) == []


def test_a_fixed_call_may_be_told_with_its_time() -> None:
    assert broken("Um consultor liga para você amanhã às 10h.", call_fixed=True) == []


def test_a_contact_who_writes_english_is_answered_in_english() -> None:
    asked = make_context("Hello, how much is the plan? Do you have it for my company?")
    assert broken("Hi! Which of the plans would you like to know more about?", asked) == []
    assert "form.language" in broken(
        "Hola, ¿qué plan quiere usted para su empresa y con qué uso?", asked
    )


@pytest.mark.parametrize(
    "text",
    [
        "Aceita boleto em 30 dias?",
        "Aceitamos Pix, boleto, cartão de crédito e débito automático.",
        "Em 30 dias, no boleto.",
    ],
)
def test_portuguese_is_not_taken_for_spanish(text: str) -> None:
    assert language_of(text) in {"pt", None}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**Plano Fibra** é ótimo", "*Plano Fibra* é ótimo"),
        ("# Planos\nTemos dois", "Planos\nTemos dois"),
        ("Veja [aqui](https://exemplo.com.br)", "Veja aqui: https://exemplo.com.br"),
        ("~~velho~~ __novo__", "~velho~ _novo_"),
        ("a<br>b <b>c</b>", "ab c"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"),
    ],
)
def test_markdown_that_whatsapp_does_not_show_becomes_its_own_marks(
    written: str, shown: str
) -> None:
    text, verdict = tidied(written)
    assert text == shown
    assert verdict is not None


def test_whatsapps_own_marks_stay() -> None:
    message = "*Plano* _rápido_\n- um\n- dois\n> citação"
    assert tidied(message) == (message, None)


def test_every_playbook_names_tools_that_exist() -> None:
    assert set(load_playbook("sales").tools) == set(REGISTRY)
