"""A person's message whose outcome nobody knows is never sent again by itself: a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import Customer, RunningVitrine, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

WORDS = "Aqui é a Ana: seu pedido saiu hoje."


@pytest.fixture(scope="module")
def supervisor(vitrine: RunningVitrine) -> dict[str, str]:
    return vitrine.login()


@pytest.fixture
def meta(vitrine: RunningVitrine) -> Iterator[RunningVitrine]:
    yield vitrine
    vitrine.http.delete(f"{vitrine.sandbox_url}/control/faults").raise_for_status()


def last_message(customer: Customer, supervisor: dict[str, str], status: str) -> Any:
    """The newest message as a screen shows it, once it has this status."""

    def look() -> Any:
        message = customer.conversation(supervisor)["messages"][-1]
        return message if message["status"] == status else None

    return wait_for(f"the message {status}", look)


def a_parked_reply(vitrine: RunningVitrine, supervisor: dict[str, str], **faults: Any) -> Any:
    """(customer, message): written by a person while Meta fails; the grace is put forward."""
    customer = vitrine.new_customer()
    conversation = customer.conversation(supervisor)
    vitrine.control("faults", **faults)
    body = {"conversation_id": conversation["id"], "text": WORDS}
    vitrine.api("POST", "/conversation", supervisor, **body)
    message = last_message(customer, supervisor, "unknown")
    vitrine.http.delete(f"{vitrine.sandbox_url}/control/faults").raise_for_status()
    assert message["text"] == WORDS

    def grace_over() -> bool:
        vitrine.sql(
            "WITH intake AS (UPDATE actor_beats SET started_at = started_at - interval '2 minutes'"
            " WHERE kind = 'webhook') UPDATE outbox SET not_before = now() WHERE state = 'unknown'"
        )
        return bool(customer.conversation(supervisor)["messages"][-1]["status"] == "parked")

    wait_for("the message parked", grace_over, every=0.5)
    return customer, last_message(customer, supervisor, "parked")


def test_what_may_not_have_arrived_waits_for_a_person_who_sends_it_again(meta, supervisor):
    customer, message = a_parked_reply(meta, supervisor, meta="reset")
    assert message["error"]["title"] == "Não se sabe se ela chegou"
    story = [entry["text"] for entry in customer.conversation(supervisor)["timeline"]]
    assert "Uma mensagem espera a decisão de uma pessoa" in story
    assert WORDS not in customer.answers()
    meta.api("POST", f"/messages/{message['id']}/resend", supervisor)
    last_message(customer, supervisor, "read")
    assert customer.answers().count(WORDS) == 1


def test_what_the_person_knows_to_have_arrived_is_not_sent_again(meta, supervisor):
    customer, message = a_parked_reply(meta, supervisor, meta="reset_accepted", statuses=False)
    assert customer.answers().count(WORDS) == 1
    meta.api("POST", f"/messages/{message['id']}/arrived", supervisor)
    assert last_message(customer, supervisor, "delivered")["error"] is None
    refused = meta.http.post(f"{meta.url}/messages/{message['id']}/resend", headers=supervisor)
    assert refused.status_code == 409
    assert customer.answers().count(WORDS) == 1
