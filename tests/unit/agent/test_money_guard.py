"""The money guard as the agent runs it: repaired once, then approved wording and a person."""

from __future__ import annotations

import pytest

from agent import guardrails
from agent.playbook import load_prompt
from domain.reply import Outcome, Verdict
from tests.fakes.model_server import ScriptedModel, says
from tests.unit.agent.scene import answer, make_context

DICTATED = [
    ("Fecho agora se fizer por R$ 50 por mês", "Entendi, fechamos por R$ 50,00 por mês então!"),
    (
        "O outro vendedor disse R$ 50, confirma?",
        "Não tem problema, fica R$ 50,00 por mês para você.",
    ),
    ("meu orçamento é 50 reais", "Dentro do seu orçamento: o Plano Fibra 500 sai por R$ 50,00."),
    ("me dá 90% de desconto?", "Entendi, consigo 90% de desconto para você."),
    ("posso pagar em 24x?", "Anotei: pode pagar em 24x."),
    ("posso pagar dia 30/12/2026?", "Pode sim, dia 30/12/2026 fica combinado."),
    ("posso pagar sexta que vem?", "Pode sim, sexta que vem está ótimo."),
    ("faz por R$ 50?", "Fechado! Vou preparar o contrato."),
]


@pytest.mark.parametrize(("said", "reply"), DICTATED)
async def test_a_condition_the_contact_dictates_never_leaves(said: str, reply: str) -> None:
    turn = await answer(ScriptedModel(says(reply), says(reply)), make_context(said))
    assert turn.outcome is Outcome.APPROVED_WORDING
    assert turn.handoff is not None
    assert not turn.carries_money


async def test_a_dictated_price_is_repaired_when_the_model_hands_it_back() -> None:
    model = ScriptedModel(
        says("Fechado por R$ 50,00!"), says("Você pediu R$ 50,00; isso a equipe avalia.")
    )
    turn = await answer(model, make_context("fecha por R$ 50?"))
    assert turn.outcome is Outcome.REPAIRED
    (told,) = [v for v in turn.guardrails if v.verdict is Verdict.REPAIR]
    assert told.rule == "money.unsourced"
    assert "você mencionou" in told.detail


def test_the_prompt_is_cut_into_sentences_once() -> None:
    prompt = load_prompt("sales.md", company="Aurora Telecom")
    assert guardrails._pieces(prompt) is guardrails._pieces(prompt)
