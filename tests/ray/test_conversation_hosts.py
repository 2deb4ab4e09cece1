"""One conformance suite for both kinds of Ray actor a conversation may live in."""

from __future__ import annotations

import pytest

from tests.running import RunningVitrine, living_in, wait_for

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("kind", ["own", "shared"]),
]

QUESTION = "Quanto custa o plano inicial?"


@pytest.fixture(scope="module")
def supervisor(vitrine: RunningVitrine) -> dict[str, str]:
    return vitrine.login()


def test_a_question_is_answered_once_and_the_turn_says_where(vitrine, supervisor, kind):
    customer, name = living_in(vitrine, supervisor, kind)
    before = len(customer.answers())
    customer.say(QUESTION)
    customer.wait_for_messages(before + 1)
    turn = customer.conversation(supervisor)["turns"][-1]
    assert turn["actor"]["name"] == name
    assert turn["actor"]["pid"] == vitrine.pid_of(name, supervisor)


def test_five_quick_messages_make_one_turn(vitrine, supervisor, kind):
    customer, _ = living_in(vitrine, supervisor, kind)
    before = len(customer.conversation(supervisor)["turns"])
    answers = len(customer.answers())
    for text in ["então", "eu tenho", "uma padaria", "e queria saber", "o preço do plano inicial?"]:
        customer.say(text)
    customer.wait_for_messages(answers + 1)
    turns = customer.conversation(supervisor)["turns"][before:]
    committed = [t for t in turns if t["state"] == "committed"]
    assert [len(t["inputs"]) for t in committed] == [5]


def test_the_same_webhook_five_times_is_worked_once(vitrine, supervisor, kind):
    customer, _ = living_in(vitrine, supervisor, kind)
    before = customer.conversation(supervisor)
    answers = len(customer.answers())
    customer.say(QUESTION, copies=5)
    customer.wait_for_messages(answers + 1)
    wait_for("a quiet chat", lambda: customer.conversation(supervisor)["awaiting"] == "none")
    after = customer.conversation(supervisor)
    assert len(customer.answers()) == answers + 1
    assert len(after["messages"]) == len(before["messages"]) + 2


def test_a_takeover_silences_the_ai_and_a_hand_back_wakes_it(vitrine, supervisor, kind):
    customer, _ = living_in(vitrine, supervisor, kind)
    path = f"/conversations/{customer.conversation(supervisor)['id']}"
    answers = len(customer.answers())
    vitrine.api("POST", f"{path}/takeover", supervisor)
    customer.say(QUESTION)
    wait_for(
        "the question stored",
        lambda: customer.conversation(supervisor)["messages"][-1]["text"] == QUESTION,
    )
    assert len(customer.answers()) == answers
    vitrine.api("POST", f"{path}/handback", supervisor)
    customer.wait_for_messages(answers + 1)


def test_the_actor_is_listed_by_name_with_its_residents(vitrine, supervisor, kind):
    customer, name = living_in(vitrine, supervisor, kind)
    conversation = customer.conversation(supervisor)

    def resident():
        listed = [a for a in vitrine.actors(supervisor) if a["name"] == name]
        residents = [c for a in listed for c in a["conversations"]]
        # Beats come every few seconds: the first may have been taken while it was still loading.
        return [
            c
            for c in residents
            if c["id"] == conversation["id"] and c["epoch"] == conversation["epoch"]
        ]

    shown = wait_for("the conversation among its actor's residents", resident)[0]
    assert shown["mailbox"] == 0
