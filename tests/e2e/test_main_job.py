"""The main job through the real parts: phone → webhook → actor → agent → number → Graph → ticks."""

from __future__ import annotations

import pytest

from tests.running import RunningVitrine, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def supervisor(vitrine: RunningVitrine) -> dict[str, str]:
    return vitrine.login()


def test_a_message_from_the_phone_is_answered_after_consent(vitrine, supervisor):
    customer = vitrine.new_customer(consent=False)
    customer.say("Oi, quero saber do plano")
    asked = customer.wait_for_messages(1)
    assert "assistente virtual" in asked[0]
    calls = vitrine.look("model/calls")
    assert customer.phone not in str(calls), "a model was asked before the consent"
    customer.tap("consent:ai:grant")
    answers = customer.wait_for_messages(2)
    assert len(answers) == 2
    shown = customer.conversation(supervisor)
    turn = shown["turns"][-1]
    assert turn["state"] == "committed"
    assert (
        turn["tokens"]["input"] + turn["tokens"]["cache_read"] + turn["tokens"]["cache_write"] > 0
    )
    assert turn["cost_usd_micros"] > 0
    assert turn["actor"]["pid"] > 0
    assert shown["sticky_number"]["phone_number_id"]
    assert shown["consent"]["state"] == "granted"
    wait_for(
        "the answer read",
        lambda: customer.conversation(supervisor)["messages"][-1]["status"] == "read",
    )


def test_a_person_takes_over_answers_and_hands_back(vitrine, supervisor):
    customer = vitrine.new_customer()
    conversation = customer.conversation(supervisor)
    path = f"/conversations/{conversation['id']}"
    vitrine.api("POST", f"{path}/takeover", supervisor)
    customer.say("Tem alguém aí?")
    # The person answers what they have seen; an answer sent before it came would leave it pending.
    wait_for(
        "the question stored",
        lambda: customer.conversation(supervisor)["messages"][-1]["text"] == "Tem alguém aí?",
    )
    vitrine.api(
        "POST",
        "/conversation",
        supervisor,
        conversation_id=conversation["id"],
        text="Oi, sou a Ana.",
    )
    assert customer.wait_for_messages(3)[-1] == "Oi, sou a Ana."
    customer.say("E quanto custa o plano inicial?")
    wait_for(
        "the message stored",
        lambda: customer.conversation(supervisor)["messages"][-1]["text"].startswith("E quanto"),
    )
    vitrine.api("POST", f"{path}/handback", supervisor)
    answers = customer.wait_for_messages(4)
    assert len(answers) == 4
    turn = customer.conversation(supervisor)["turns"][-1]
    assert len(turn["inputs"]) == 1, "only what came after the person's message is pending"
