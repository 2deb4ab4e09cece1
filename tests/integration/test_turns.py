"""The turn loop on the real database: one answer, in order, fenced, superseded, consented."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from actors.conversation.core import ConversationCore
from actors.conversation.residents import Residents
from domain.consent import ConsentRule
from domain.content import Text
from domain.doorbell import Ring, RingReason
from domain.reply import (
    AddNote,
    AgentTurn,
    NextAction,
    RequestHandoff,
    ScheduleCall,
    UpdateContact,
)
from integrations.whatsapp.errors import NotSentError
from storage.conversations import ConversationStore
from storage.human_actions import HumanActions
from storage.statuses import StatusStore
from telemetry.tasks import start
from tests.factories import NOW
from tests.fakes.world import World
from tests.house import inbound, intake_of, long_ago, received, status, store
from tests.integration.turning import QUICK, a_conversation, an_operator, apply_all, run, until

pytestmark = pytest.mark.postgres


async def test_a_message_is_answered_once_with_its_journal(pool, world):
    conversation = await a_conversation(pool, "Quanto custa?")
    await run(world, conversation)
    await run(world, conversation)
    assert world.graph.texts == ["resposta a: Quanto custa?"]
    turn = await pool.fetchrow("SELECT state, input_tokens, cost_micros, actor FROM turns")
    assert tuple(turn)[:3] == ("committed", 10, 7)
    row = await pool.fetchrow(
        "SELECT cost_micros, sticky_number, score, version FROM conversations"
    )
    assert tuple(row) == (7, "106000000000001", 0.5, 2)
    assert await pool.fetchval("SELECT status FROM messages WHERE author = 'agent'") == "accepted"


async def test_every_effect_of_a_turn_is_written_with_it(pool, world):
    conversation = await a_conversation(pool)
    effects = (
        AddNote(text="tem uma padaria"),
        ScheduleCall(at=NOW, subject="Apresentação"),
        UpdateContact(fields={"company": "Padaria Sol", "segmento": "padaria"}),
    )
    handoff = RequestHandoff(reason="lead qualificado", brief={"necessidade": "pdv"})
    world.agent.change = lambda turn: replace(turn, effects=effects, handoff=handoff)
    await run(world, conversation)
    assert await pool.fetchval("SELECT body FROM notes") == "tem uma padaria"
    assert await pool.fetchval("SELECT subject FROM scheduled_calls") == "Apresentação"
    contact = await pool.fetchrow("SELECT company, profile FROM contacts")
    assert tuple(contact) == ("Padaria Sol", {"segmento": "padaria"})
    queued = await pool.fetchrow("SELECT reason, state, brief FROM handoffs")
    assert tuple(queued) == ("lead qualificado", "queued", {"necessidade": "pdv"})


def raises_handoff(turn: AgentTurn) -> AgentTurn:
    return replace(turn, handoff=RequestHandoff(reason="lead qualificado"))


async def test_who_is_handed_over_is_told_the_place_and_the_hours_in_the_same_message(pool, world):
    conversation = await a_conversation(pool, "Quanto custa?")
    world.agent.change = raises_handoff
    await run(world, conversation)
    (text,) = world.graph.texts
    assert text == (
        "resposta a: Quanto custa?\n\nSua conversa está na fila da nossa equipe, na posição 1. "
        f"Agora não há ninguém da equipe conectado. Atendemos {world.ports().house.hours}."
    )


async def test_the_place_in_the_queue_counts_who_waits_already(pool, world):
    for wa_id in ("553188880001", "553188880002"):
        await store(pool, inbound("espero", wa_id=wa_id))
    await pool.execute(
        "INSERT INTO handoffs (id, conversation_id, reason, priority, silence, brief, raised_by)"
        " SELECT gen_random_uuid(), id, 'antes', 'normal', 'none', '{}', 'agent' FROM conversations"
    )
    await an_operator(pool)
    await pool.execute("UPDATE operators SET online_until = now() + interval '1 minute'")
    await store(pool, inbound("Quero uma pessoa", wa_id="553188880003"))
    await pool.execute("UPDATE contacts SET ai_consent = 'granted'")
    conversation = await pool.fetchval(
        "SELECT id FROM conversations ORDER BY created_at DESC LIMIT 1"
    )
    world.agent.change = raises_handoff
    await run(world, conversation)
    assert world.graph.texts[0].endswith("na posição 3.")


async def test_the_typing_sign_is_shown_again_until_the_turn_ends(pool, world, monkeypatch):
    monkeypatch.setattr("actors.conversation.turn.TYPING_SHOWN_AGAIN", timedelta(milliseconds=1))
    conversation = await a_conversation(pool)
    world.agent.gate.clear()
    running = start(run(world, conversation), name="run")
    await until(lambda: len(world.graph.typing) >= 3)
    world.agent.gate.set()
    await running
    assert not [t for t in asyncio.all_tasks() if t.get_name() == "typing again"]


async def test_what_the_ai_calls_over_is_closed_and_opens_with_the_next_message(pool, world):
    def over(turn: AgentTurn) -> AgentTurn:
        assert turn.reply is not None
        return replace(turn, reply=replace(turn.reply, next_action=NextAction.CLOSE))

    conversation = await a_conversation(pool, "Era só isso, obrigado!")
    world.agent.change = over
    await run(world, conversation)
    assert await pool.fetchval("SELECT mode FROM conversations") == "closed"
    assert world.graph.texts == ["resposta a: Era só isso, obrigado!"]
    world.agent.change = lambda turn: turn
    await store(pool, inbound("Ah, mais uma coisa"))
    await run(world, conversation)
    assert await pool.fetchval("SELECT mode FROM conversations") == "agent"


async def test_two_owners_of_one_conversation_answer_once(pool, world):
    conversation = await a_conversation(pool)
    world.agent.gate.clear()
    both = [asyncio.create_task(run(world, conversation)) for _ in range(2)]
    await until(lambda: len(world.agent.asked) == 2)
    world.agent.gate.set()
    await asyncio.gather(*both)
    assert len(world.graph.sent) == 1
    states = await pool.fetch("SELECT state FROM turns ORDER BY state")
    assert [r["state"] for r in states] == ["committed", "fenced"]


async def test_a_message_during_the_model_call_supersedes_the_draft(pool, world):
    conversation = await a_conversation(pool, "Quanto custa?")
    world.agent.gate.clear()
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    task = asyncio.create_task(core.run())
    await until(lambda: len(world.agent.asked) == 1)
    await store(pool, inbound("o plano inicial"))
    core.ring(RingReason.MESSAGE)
    await until(lambda: len(world.agent.asked) == 2)
    world.agent.gate.set()
    await task
    assert world.agent.cancelled == 1
    assert world.graph.texts == ["resposta a: Quanto custa? | o plano inicial"]


async def test_a_message_whose_doorbell_was_lost_supersedes_at_the_commit(pool, world):
    conversation = await a_conversation(pool, "Quanto custa?")
    world.agent.gate.clear()
    task = asyncio.create_task(run(world, conversation))
    await until(lambda: len(world.agent.asked) == 1)
    await store(pool, inbound("o plano inicial"))
    world.agent.gate.set()
    await task
    assert world.graph.texts == ["resposta a: Quanto custa? | o plano inicial"]


async def test_a_takeover_cancels_the_model_call_and_nothing_leaves(pool, world):
    conversation = await a_conversation(pool)
    world.agent.gate.clear()
    core = ConversationCore(conversation, world.ports(), idle_after=timedelta(0))
    task = asyncio.create_task(core.run())
    await until(lambda: len(world.agent.asked) == 1)
    fence = await HumanActions(pool).takeover(conversation, await an_operator(pool))
    core.ring(RingReason.FENCE)
    await task
    assert world.agent.cancelled == 1
    assert fence.in_flight == ()
    assert world.graph.sent == []
    assert await pool.fetchval("SELECT state FROM turns") == "fenced"


async def test_a_reply_computed_before_a_takeover_is_not_sent_after_it(pool, world):
    conversation = await a_conversation(pool)
    world.agent.gate.clear()
    task = asyncio.create_task(run(world, conversation))
    await until(lambda: len(world.agent.asked) == 1)
    await HumanActions(pool).takeover(conversation, await an_operator(pool))
    world.agent.gate.set()  # its doorbell was lost: the commit has to notice
    await task
    assert world.graph.sent == []


async def test_a_draft_in_the_outbox_is_withdrawn_by_a_takeover(pool, world):
    conversation = await a_conversation(pool)
    world.graph.fail_with = [NotSentError("not sent: ConnectError")]
    await run(world, conversation)
    operator = await an_operator(pool)
    await HumanActions(pool).takeover(conversation, operator)
    await pool.execute("UPDATE outbox SET not_before = now()")
    await world.sender().dispatch(conversation)
    assert world.graph.sent == []
    assert await pool.fetchval("SELECT state FROM outbox") == "withdrawn"


async def test_after_hand_back_only_what_came_after_the_persons_message_is_pending(pool, world):
    conversation = await a_conversation(pool, "Tem alguém?")
    actions, operator = HumanActions(pool), await an_operator(pool)
    await actions.reply(conversation, operator, Text(body="Oi, sou a Bia"))
    await store(pool, inbound("E o preço?"))
    await run(world, conversation)
    assert world.agent.asked == []
    await actions.hand_back(conversation, operator, None)
    await run(world, conversation)
    assert world.agent.asked == [["E o preço?"]]


async def test_no_model_is_asked_before_the_consent_and_the_question_is_answered_after_it(
    pool, world
):
    conversation = await a_conversation(pool, "Quanto custa?", consent="none")
    await run(world, conversation)
    assert world.agent.asked == []
    asked = world.graph.sent[0][2]
    tap = inbound(
        type="interactive",
        interactive={
            "type": "button_reply",
            "button_reply": {"id": "consent:ai:grant", "title": "Pode ser"},
        },
    )
    await store(pool, tap)
    await run(world, conversation)
    assert world.agent.asked == [["Quanto custa?"]]
    lines = await pool.fetch(
        "SELECT state, text_version, asked_message_id FROM consents ORDER BY at"
    )
    assert [line["state"] for line in lines] == ["asked", "granted"]
    assert lines[0]["asked_message_id"] == lines[1]["asked_message_id"]
    proof = await pool.fetchval(
        "SELECT count(*) FROM messages m JOIN consents c ON c.asked_message_id = m.id"
        " WHERE m.status = 'accepted' AND m.wamid = $1", f"wamid.OUT{asked}",
    )  # fmt: skip
    assert proof == 2


async def test_a_refused_consent_goes_to_a_person_and_the_ai_stays_silent(pool, world):
    conversation = await a_conversation(pool, "Quanto custa?", consent="none")
    await run(world, conversation)
    await store(pool, inbound("Prefiro pessoa"))
    await run(world, conversation)
    await store(pool, inbound("E aí?"))
    await run(world, conversation)
    assert world.agent.asked == []
    assert await pool.fetchval("SELECT priority FROM handoffs WHERE state = 'queued'") == "high"


async def test_with_notice_the_wording_leaves_before_the_first_answer(pool):
    world = World(pool, rules={"quiet": QUICK, "consent": ConsentRule.NOTICE})
    conversation = await a_conversation(pool, "Quanto custa?", consent="none")
    await run(world, conversation)
    first = await pool.fetchrow("SELECT id, wamid FROM messages WHERE author = 'system'")
    await store(pool, status(first["wamid"], "sent"))
    await StatusStore(pool).apply_left_over()
    await apply_all(pool)
    await world.sender().dispatch(conversation)
    assert "assistente virtual" in world.graph.texts[0]
    assert world.graph.texts[1] == "resposta a: Quanto custa?"
    assert await pool.fetchval("SELECT ai_consent FROM contacts") == "noticed"


async def test_an_old_message_is_shown_to_a_person_and_never_answered(pool, world):
    await store(pool, inbound("de ontem", at=long_ago(13)))
    conversation = await a_conversation(pool, "de hoje")
    await run(world, conversation)
    assert world.agent.asked == [["de hoje"]]
    outcome = "SELECT outcome FROM inbound_events ORDER BY seq LIMIT 1"
    assert await pool.fetchval(outcome) == "late"
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 1


async def test_a_burst_stored_in_one_flush_is_one_turn_in_order(pool, world):
    await intake_of(pool).store([received(inbound(f"parte {n}")) for n in range(5)])
    conversation = await a_conversation(pool, "fim")
    await run(world, conversation)
    assert world.agent.asked == [["parte 0", "parte 1", "parte 2", "parte 3", "parte 4", "fim"]]


async def test_a_turn_that_ends_in_a_defect_is_journalled_with_its_inputs(pool, world):
    conversation = await a_conversation(pool, "Quanto custa?")

    async def broken(context, *, on_stage):
        on_stage("model.called", {"model": "scripted"})
        raise RuntimeError("a defect of ours")

    world.agent.answer = broken
    with pytest.raises(RuntimeError, match="a defect of ours"):
        await run(world, conversation)
    turn = await pool.fetchrow("SELECT state, outcome, inputs, context, model_calls FROM turns")
    asked = await pool.fetchval("SELECT id FROM messages WHERE direction = 'inbound'")
    assert (turn["state"], turn["outcome"]) == ("failed", "RuntimeError")
    assert turn["inputs"] == [str(asked)]
    assert turn["context"]["pending"][0]["text"] == "Quanto custa?"
    assert turn["model_calls"] == [{"error": "cancelled"}]


async def test_a_defect_in_the_agent_does_not_loop_and_ends_with_a_person(pool, world):
    conversation = await a_conversation(pool)

    def breaks(turn):
        raise RuntimeError("a defect of ours")

    world.agent.change = breaks
    residents = Residents(world.ports(), idle_after=timedelta(0), rest_after_failure_s=0)
    for _ in range(5):
        residents.ring(Ring(conversation_id=conversation, reason=RingReason.MESSAGE))
        await until(lambda: len(residents) == 0)
    assert len(world.agent.asked) == 3
    assert await pool.fetchval("SELECT reason FROM handoffs") == "erro interno ao responder"


async def test_a_database_that_goes_away_is_no_failure_of_the_conversation(
    pool, world, monkeypatch
):
    conversation = await a_conversation(pool, "Quanto custa?")
    commit, cuts = ConversationStore.commit, iter(range(4))

    async def cut(store, draft):
        if next(cuts, None) is not None:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        return await commit(store, draft)

    monkeypatch.setattr(ConversationStore, "commit", cut)
    residents = Residents(world.ports(), idle_after=timedelta(0), rest_after_failure_s=0)
    for _ in range(5):
        residents.ring(Ring(conversation_id=conversation, reason=RingReason.MESSAGE))
        await until(lambda: len(residents) == 0)
    assert world.graph.texts == ["resposta a: Quanto custa?"]
    assert await pool.fetchval("SELECT count(*) FROM handoffs") == 0
