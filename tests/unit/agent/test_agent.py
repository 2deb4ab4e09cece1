from __future__ import annotations

import json
from datetime import datetime

import pytest

from domain.handoff import Priority, Silence
from domain.reply import (
    AddNote,
    NextAction,
    Outcome,
    RequestHandoff,
    ScheduleCall,
    UpdateContact,
    Verdict,
)
from domain.turn_context import Author
from tests.fakes.model_server import ScriptedModel, calls, says, says_text
from tests.unit.agent.scene import (
    HOURS,
    Stages,
    answer,
    make_catalogue,
    make_context,
    queued,
)

PRICE = says("O Plano Fibra 500 custa R$ 99,90 por mês. É para casa ou empresa?", score=0.5)
SEARCH = calls(("search_catalogue", {"query": "fibra"}))


async def test_a_price_from_the_catalogue_reaches_the_contact() -> None:
    model, stages = ScriptedModel(SEARCH, PRICE), Stages()
    turn = await answer(model, stages=stages)
    assert turn.outcome is Outcome.ANSWERED
    assert turn.bubbles == ("O Plano Fibra 500 custa R$ 99,90 por mês. É para casa ou empresa?",)
    assert turn.carries_money
    assert turn.reply is not None
    assert turn.reply.qualification_score == 0.5
    assert [tool.name for tool in turn.tools] == ["search_catalogue"]
    assert stages.names == [
        "model.called",
        "model.answered",
        "tool.called",
        "model.called",
        "model.answered",
    ]
    assert turn.cost_micros == sum(call.cost_micros for call in turn.model_calls) > 0
    assert turn.model_calls[0].cache_read_tokens == 1000


async def test_the_floor_price_is_never_told_to_the_model() -> None:
    model = ScriptedModel(SEARCH, PRICE)
    await answer(model)
    told = model.last_text()
    assert "99,90" in told
    assert "8123" not in told
    assert "81,23" not in told


async def test_an_invented_price_is_repaired_once_and_the_model_is_told_which() -> None:
    model = ScriptedModel(says("Fica R$ 79,90 por mês."), SEARCH, PRICE)
    turn = await answer(model)
    assert turn.outcome is Outcome.REPAIRED
    assert turn.bubbles[0].startswith("O Plano Fibra 500 custa R$ 99,90")
    told = json.dumps(model.requests[1]["messages"], ensure_ascii=False)
    assert "r$ 79,90" in told
    assert {v.rule for v in turn.guardrails if v.verdict is Verdict.REPAIR} == {"money.unsourced"}


async def test_a_price_invented_twice_is_replaced_by_approved_wording_and_a_person() -> None:
    turn = await answer(ScriptedModel(says("Fica R$ 79,90."), says("Então fica por R$ 80.")))
    assert turn.outcome is Outcome.APPROVED_WORDING
    assert "R$" not in turn.bubbles[0]
    assert not turn.carries_money
    assert turn.handoff is not None
    assert turn.handoff.reason == "valor ou condição sem fonte"
    assert turn.wordings == {"money_blocked": "2026-11-1"}
    assert any(v.verdict is Verdict.BLOCK for v in turn.guardrails)


async def test_money_blocked_while_a_person_is_awaited_raises_no_second_handoff() -> None:
    turn = await answer(
        ScriptedModel(says("Fica R$ 79,90.")), make_context("quanto?", handoff=queued())
    )
    assert turn.outcome is Outcome.APPROVED_WORDING
    assert turn.handoff is None


async def test_a_price_cannot_be_laundered_through_a_note_or_the_profile() -> None:
    model = ScriptedModel(
        calls(
            ("add_note", {"text": "Combinado R$ 10 por mês"}),
            ("update_contact", {"company": "R$ 10 Ltda"}),
            ("search_catalogue", {"query": "R$ 10 fibra"}),
            ("schedule_call", {"at": "2026-11-24T10:00", "subject": "fechar por R$ 10"}),
            ("lookup_contact", {}),
        ),
        says("Fechado: R$ 10 por mês."),
    )
    turn = await answer(model, make_context("fecha por quanto?"))
    assert turn.outcome is Outcome.APPROVED_WORDING


async def test_what_the_contact_claims_is_no_price_of_ours() -> None:
    context = make_context("O site diz R$ 1. Confirma que custa R$ 1?")
    turn = await answer(ScriptedModel(says("Confirmado, o plano custa R$ 1.")), context)
    assert turn.outcome is Outcome.APPROVED_WORDING
    echo = says("Você mencionou R$ 1; não encontrei esse valor no catálogo.")
    assert (await answer(ScriptedModel(echo), context)).outcome is Outcome.ANSWERED


async def test_an_echo_of_the_contact_in_the_history_is_no_source_later() -> None:
    context = make_context(
        "E aí, fecha?",
        history=[
            (Author.CONTACT, "Me falaram R$ 50"),
            (Author.AGENT, "Entendi, você mencionou R$ 50."),
        ],
    )
    turn = await answer(ScriptedModel(says("Sim, custa R$ 50 por mês.")), context)
    assert turn.outcome is Outcome.APPROVED_WORDING


async def test_a_price_a_person_of_ours_gave_may_be_repeated() -> None:
    context = make_context(
        "quanto era mesmo?", history=[(Author.OPERATOR, "Fecho por R$ 89,00 para você")]
    )
    turn = await answer(ScriptedModel(says("A equipe fechou por R$ 89,00.")), context)
    assert turn.outcome is Outcome.ANSWERED


async def test_tool_effects_are_recorded_once_and_in_order() -> None:
    note = ("add_note", {"text": "Precisa para 3 lojas"})
    model = ScriptedModel(
        calls(
            note, note, ("update_contact", {"name": "Maria Souza", "email": "maria@exemplo.com.br"})
        ),
        says("Anotado, Maria."),
    )
    turn = await answer(model)
    assert turn.effects == (
        AddNote(text="Precisa para 3 lojas"),
        UpdateContact(fields={"name": "Maria Souza", "email": "maria@exemplo.com.br"}),
    )


async def test_a_call_is_scheduled_in_the_contacts_zone_and_its_date_may_be_said() -> None:
    model = ScriptedModel(
        calls(("schedule_call", {"at": "2026-11-24T10:00", "subject": "Apresentar o plano"})),
        says("Marcado: terça, 24/11/2026 às 10:00, um consultor vai te ligar.", action="schedule"),
    )
    turn = await answer(model, make_context("pode ser amanhã às 10"))
    assert turn.outcome is Outcome.ANSWERED
    (call,) = turn.effects
    assert isinstance(call, ScheduleCall)
    assert call.at == datetime.fromisoformat("2026-11-24T10:00-03:00")


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("2026-11-22T10:00", "passou"),
        ("2026-11-28T10:00", "horário da equipe"),
        ("2026-11-24T21:00", "horário da equipe"),
        ("2027-11-23T10:00", "dias"),
        ("amanhã", "at"),
    ],
)
async def test_a_call_at_an_impossible_time_comes_back_with_what_to_correct(
    at: str, why: str
) -> None:
    model = ScriptedModel(
        calls(("schedule_call", {"at": at, "subject": "Apresentar"})),
        says("Qual dia e horário prefere?"),
    )
    turn = await answer(model)
    assert turn.effects == ()
    assert not turn.tools[0].ok
    assert turn.tools[0].output["error"] == "retry"
    assert why in str(turn.tools[0].output["hint"])


async def test_a_dead_catalogue_is_a_failure_the_model_reads_and_no_guess() -> None:
    catalogue = make_catalogue()
    catalogue.away = True
    model = ScriptedModel(SEARCH, says("Não consigo ver os preços agora. Quer falar com a equipe?"))
    turn = await answer(model, catalogue=catalogue)
    assert turn.tools[0].output["error"] == "failed"
    assert turn.outcome is Outcome.ANSWERED


async def test_a_score_above_the_border_raises_one_handoff_and_the_reply_still_leaves() -> None:
    ready = says(
        "Perfeito! Vou chamar a equipe para fechar com você.", score=0.85, need="Fibra em 3 lojas"
    )
    first = await answer(ScriptedModel(ready))
    assert first.handoff is not None
    assert first.handoff.priority is Priority.HIGH
    assert first.handoff.silence is Silence.NONE
    assert first.handoff.brief["need"] == "Fibra em 3 lojas"
    assert first.effects[-1] is first.handoff
    assert first.bubbles == ("Perfeito! Vou chamar a equipe para fechar com você.",)
    still = make_context("e aí?", handoff=queued(), state=first.state, score=0.85)
    assert (await answer(ScriptedModel(says("Sim!", score=0.9)), still)).handoff is None
    returned = make_context("voltei", state=first.state, score=0.85)
    assert (await answer(ScriptedModel(says("Oi de novo!", score=0.9)), returned)).handoff is None
    assert (await answer(ScriptedModel(says("Oi!", score=0.8)))).handoff is None


async def test_next_action_handoff_without_the_tool_calls_a_person_too() -> None:
    turn = await answer(ScriptedModel(says("Vou chamar alguém da equipe.", action="handoff")))
    assert turn.handoff is not None
    assert turn.handoff.silence is Silence.NONE


@pytest.mark.parametrize("kind", ["wish", "anger", "dispute"])
async def test_after_a_wish_anger_or_dispute_the_ai_will_only_acknowledge(kind: str) -> None:
    model = ScriptedModel(
        calls(("hand_over", {"why_kind": kind, "reason": "quer uma pessoa"})),
        says("Vou passar a conversa para a equipe.", action="handoff"),
    )
    turn = await answer(model, make_context("quero falar com uma pessoa"))
    assert turn.handoff is not None
    assert turn.handoff.silence is Silence.ACKNOWLEDGE
    assert turn.handoff.reason == "quer uma pessoa"
    assert turn.handoff.brief["last_message"] == "quero falar com uma pessoa"


async def test_in_the_acknowledging_queue_no_model_is_asked_and_the_place_is_told() -> None:
    model = ScriptedModel(says("não devia"))
    turn = await answer(model, make_context("alô?", handoff=queued(Silence.ACKNOWLEDGE, 3)))
    assert model.requests == []
    assert "posição 3 da fila" in turn.bubbles[0]
    assert HOURS in turn.bubbles[0]
    assert turn.handoff is None


async def test_in_the_other_queue_the_ai_goes_on_answering_and_cannot_queue_again() -> None:
    model = ScriptedModel(
        calls(("hand_over", {"why_kind": "complexity", "reason": "de novo"})),
        says("Claro, te explico."),
    )
    turn = await answer(model, make_context("como funciona?", handoff=queued()))
    assert turn.bubbles == ("Claro, te explico.",)
    assert turn.handoff is None
    assert turn.tools[0].output == {"queued": True, "new": False, "position": 2}


async def test_a_model_without_a_schema_is_understood() -> None:
    turn = await answer(ScriptedModel(says_text("Oi! Como posso ajudar?")), make_context(score=0.3))
    assert turn.reply is not None
    assert turn.reply.message == "Oi! Como posso ajudar?"
    assert turn.reply.qualification_score == 0.3
    assert turn.reply.next_action is NextAction.CONTINUE


async def test_half_a_json_object_never_reaches_the_contact() -> None:
    turn = await answer(ScriptedModel(says_text('{"message": "Oi, tu', stop_reason="max_tokens")))
    assert turn.outcome is Outcome.APPROVED_WORDING
    assert "{" not in turn.bubbles[0]


async def test_a_model_that_only_calls_tools_is_stopped() -> None:
    model = ScriptedModel(SEARCH)
    turn = await answer(model)
    assert turn.outcome is Outcome.APPROVED_WORDING
    assert len(model.requests) <= 9
    assert model.requests[-1]["tool_choice"] == {"type": "none"}


async def test_an_unknown_tool_is_named_back_to_the_model() -> None:
    turn = await answer(ScriptedModel(calls(("drop_tables", {})), says("Oi!")))
    assert turn.tools[0].output["error"] == "retry"
    assert turn.outcome is Outcome.ANSWERED


async def test_twice_in_a_row_without_an_answer_calls_a_person() -> None:
    first = await answer(ScriptedModel(says("")))
    assert first.outcome is Outcome.APPROVED_WORDING
    assert first.handoff is None
    second = await answer(ScriptedModel(says("")), make_context("alô", state=first.state))
    assert isinstance(second.handoff, RequestHandoff)


async def test_a_very_long_answer_is_repaired_and_otherwise_never_sent_whole() -> None:
    turn = await answer(ScriptedModel(says("palavra " * 700), says("Curto.")))
    assert turn.outcome is Outcome.REPAIRED
    assert turn.bubbles == ("Curto.",)
