"""The phone page's buttons provoke what they say, and the customer is answered once all the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running import Customer, RunningVitrine, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]
QUESTION = "Quanto custa o plano inicial?"
ONCE = "respondida 1 vez"
DIED = re.compile(r"\(pid (\d+)\) morto com SIGKILL")


@pytest.fixture
def customer(vitrine: RunningVitrine) -> Iterator[Customer]:
    """Somebody who agreed to the AI; afterwards nothing is left down or moving for other tests."""
    yield vitrine.new_customer("Joana dos Botões")
    vitrine.control("faults", meta="up")
    vitrine.control("traffic", pace="off")


@pytest.fixture
def page(vitrine: RunningVitrine, customer: Customer, open_page: Callable[..., Page]) -> Page:
    """The phone page, where this customer has asked and was answered."""
    page = open_page()
    page.goto(f"{vitrine.url}/sandbox")
    page.locator("#pick").click()
    page.get_by_label("Buscar cliente").fill(customer.phone)
    page.locator("#people-list button", has_text=customer.phone).click()
    expect(page.locator("#me")).to_have_text("Joana dos Botões")
    write(page, QUESTION)
    customer.wait_for_messages(3)
    expect(page.locator("#proof")).to_have_text(ONCE)
    return page


def fact(page: Page, label: str) -> Locator:
    return page.locator("#actor dl", has=page.locator("dt", has_text=label)).locator("dd")


def write(page: Page, text: str) -> None:
    page.get_by_label("Mensagem").fill(text)
    page.get_by_label("Enviar").click()


def test_the_actor_dies_and_the_next_message_is_answered_once_by_a_new_one(
    vitrine: RunningVitrine, page: Page, customer: Customer
):
    """Whichever it is by then: a conversation may have moved into its own actor a moment ago."""
    pid = fact(page, "PID")
    expect(pid).to_have_text(re.compile(r"^\d+$"))
    shown, supervisor = pid.inner_text(), vitrine.login()
    wait_for(
        "the actor's sign of life",
        lambda: shown in {str(actor["pid"]) for actor in vitrine.actors(supervisor)},
    )
    page.get_by_role("button", name="Matar o ator").click()
    told = page.locator("#notice")
    expect(told).to_have_text(DIED)
    died = DIED.search(told.inner_text())
    assert died is not None
    # A signal is sent at once; the process ends, and its parent takes note of it, a moment later.
    wait_for("the end of its process", lambda: not psutil.pid_exists(int(died[1])))
    write(page, "E o plano completo?")
    customer.wait_for_messages(4, within=60)
    expect(page.locator("#proof")).to_have_text(ONCE)
    expect(pid).not_to_have_text(died[1])


def test_the_same_webhook_five_times_is_one_message_and_one_answer(
    vitrine: RunningVitrine, page: Page, customer: Customer
):
    page.get_by_role("button", name="Mandar o webhook 5×").click()
    expect(page.locator("#notice")).to_contain_text("entregue mais 5 vezes")
    write(page, "E o plano completo?")
    assert len(customer.wait_for_messages(4)) == 4, "nothing came of the repeated five"
    expect(page.locator("#proof")).to_have_text(ONCE)
    stored = vitrine.sql(
        "SELECT count(*) FROM messages WHERE conversation_id = $1::uuid AND body = $2",
        customer.conversation(vitrine.login())["id"],
        QUESTION,
    )
    assert stored == 1


def test_meta_goes_down_and_what_nobody_knows_waits_without_being_sent_twice(
    vitrine: RunningVitrine, page: Page, customer: Customer
):
    page.get_by_role("button", name="Derrubar a Meta").click()
    expect(page.locator("#notice")).to_contain_text("503")
    write(page, "Alguém me ouve?")
    conversation = customer.conversation(vitrine.login())["id"]
    wait_for(
        "an attempt whose outcome nobody knows",
        lambda: vitrine.sql(
            "SELECT count(*) FROM outbox"
            " WHERE conversation_id = $1::uuid AND state = 'unknown' AND attempts = 1",
            conversation,
        ),
    )
    expect(page.locator("#proof")).to_have_text("aguardando resposta")
    assert len(customer.answers()) == 3
    page.get_by_role("button", name="Religar a Meta").click()
    expect(page.locator("#notice")).to_contain_text("A Meta voltou")
    expect(page.get_by_role("button", name="Derrubar a Meta")).to_be_visible()


def test_a_person_takes_over_and_the_ai_is_silent_until_it_is_handed_back(
    page: Page, customer: Customer
):
    who = fact(page, "Quem responde")
    expect(who).to_have_text("IA")
    page.get_by_role("button", name="Assumir").click()
    expect(page.locator("#notice")).to_contain_text("Uma pessoa assumiu")
    expect(who).to_contain_text("pessoa")
    expect(fact(page, "Época")).to_have_text("2")
    write(page, "Tem alguém aí?")
    expect(page.locator("#proof")).to_have_text("aguardando resposta")
    page.get_by_role("button", name="Devolver para a IA").click()
    expect(who).to_have_text("IA")
    assert len(customer.wait_for_messages(4)) == 4
    expect(page.locator("#proof")).to_have_text(ONCE)


def test_traffic_brings_customers_who_write_and_stops_again(vitrine: RunningVitrine, page: Page):
    def asked() -> int:
        return int(vitrine.sql("SELECT count(*) FROM messages WHERE direction = 'inbound'"))

    before = asked()
    page.get_by_role("button", name="Movimento: desligado").click()
    expect(page.get_by_role("button", name="Movimento: leve")).to_be_visible()
    wait_for("somebody else writes", lambda: asked() > before, within=60)
    page.get_by_role("button", name="Movimento: leve").click()
    page.get_by_role("button", name="Movimento: cheio").click()
    expect(page.get_by_role("button", name="Movimento: desligado")).to_be_visible()
