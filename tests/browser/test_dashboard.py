"""The dashboard in a browser: what the AI does is seen live, and a person is stronger than it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.running import RunningVitrine, wait_for

pytestmark = [
    pytest.mark.browser,
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]
NAMES = iter(f"Padaria {number}ª" for number in range(1, 99))


def enter(page: Page, one_click: dict[str, str], role: str = "supervisor") -> None:
    page.goto(one_click[role])
    expect(page.get_by_role("heading", name="Conversas")).to_be_visible()
    assert "password" not in page.url


def test_a_conversation_appears_live_and_its_turn_explains_itself(
    vitrine: RunningVitrine, one_click: dict[str, str], open_page: Callable[..., Page]
):
    page = open_page()
    enter(page, one_click)
    expect(page.get_by_text("Ao vivo")).to_be_visible()
    name = next(NAMES)
    expect(page.get_by_role("link", name=name)).to_have_count(0)
    customer = vitrine.new_customer(name)
    row = page.get_by_role("link", name=name)
    expect(row).to_be_visible()
    customer.say("Quanto custa o plano inicial?")
    customer.wait_for_messages(3)
    row.click()
    log = page.get_by_role("log", name="Mensagens")
    expect(log.get_by_text("Quanto custa o plano inicial?")).to_be_visible()
    page.get_by_role("button", name=re.compile("Por quê")).last.click()
    why = page.get_by_role("complementary", name="Por quê?")
    for words in (
        "Quanto custa",
        "score",
        "US$",
        "entrada",
        "lidos do cache",
        "pid",
        "conversation",
    ):
        expect(why).to_contain_text(words)
    tokens = why.locator("dl dd").all_inner_texts()
    assert any(int(one.replace(".", "")) > 0 for one in tokens)
    expect(row.get_by_text("não lidas")).to_have_count(0)
    supervisor = vitrine.login()
    wait_for("nothing unread", lambda: customer.conversation(supervisor)["unread_count"] == 0)


def test_a_person_takes_over_answers_and_hands_back(
    vitrine: RunningVitrine, one_click: dict[str, str], open_page: Callable[..., Page]
):
    page = open_page()
    customer = vitrine.new_customer(next(NAMES))
    conversation = customer.conversation(vitrine.login())
    enter(page, one_click)
    page.goto(f"{vitrine.url}/app/conversas/{conversation['id']}")
    page.get_by_role("button", name="Assumir").click()
    expect(page.get_by_role("status").filter(has_text="Você assumiu")).to_contain_text("época 2")
    customer.say("Tem alguém aí?")
    log = page.get_by_role("log", name="Mensagens")
    expect(log.get_by_text("Tem alguém aí?")).to_be_visible()
    page.get_by_role("textbox", name="Responder").fill("Oi, sou a Ana, da loja.")
    page.keyboard.press("Enter")
    expect(log.get_by_text("Oi, sou a Ana, da loja.")).to_have_count(1)
    assert customer.wait_for_messages(3)[-1] == "Oi, sou a Ana, da loja."
    customer.say("Qual o horário de vocês?")
    expect(log.get_by_text("Qual o horário de vocês?")).to_be_visible()
    page.get_by_role("button", name="Devolver à IA").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Uma mensagem sem resposta")
    expect(dialog).to_contain_text("Qual o horário de vocês?")
    dialog.get_by_role("button", name="Devolver").click()
    expect(page.get_by_role("button", name="Assumir")).to_be_visible()
    assert len(customer.wait_for_messages(4)) == 4
    turn = customer.conversation(vitrine.login())["turns"][-1]
    assert len(turn["inputs"]) == 1, "what the person answered is context"


def test_the_pause_reaches_every_screen_at_once_and_is_lifted(
    vitrine: RunningVitrine, one_click: dict[str, str], open_page: Callable[..., Page]
):
    other, page = open_page(), open_page()
    enter(other, one_click, "vendor")
    enter(page, one_click)
    expect(other.get_by_text("Ao vivo")).to_be_visible()
    customer = vitrine.new_customer(next(NAMES))
    page.get_by_role("button", name=re.compile("Conta de")).click()
    page.get_by_role("menuitem", name="Pausar a IA…").click()
    page.get_by_label("Motivo").fill("preço errado")
    page.get_by_role("button", name="Pausar tudo").click()
    try:
        bar = page.get_by_role("alert")
        expect(bar).to_contain_text("A IA está pausada.")
        expect(other.get_by_role("alert")).to_contain_text("preço errado")
        customer.say("Quanto custa o plano inicial?")
        supervisor = vitrine.login()
        wait_for(
            "the question stored",
            lambda: customer.conversation(supervisor)["messages"][-1]["text"].startswith("Quanto"),
        )
        assert len(customer.answers()) == 2
    finally:
        page.get_by_role("button", name="Retomar").first.click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(other.get_by_role("alert")).to_have_count(0)
    customer.wait_for_messages(3)


def test_a_vendor_sees_only_what_was_handed_over_and_masked(
    vitrine: RunningVitrine, one_click: dict[str, str], open_page: Callable[..., Page]
):
    page, desk = open_page(), open_page()
    name = next(NAMES)
    customer = vitrine.new_customer(name)
    enter(page, one_click, "vendor")
    expect(page.get_by_role("link", name=name)).to_have_count(0)
    enter(desk, one_click)
    desk.goto(f"{vitrine.url}/app/conversas/{customer.conversation(vitrine.login())['id']}")
    desk.get_by_role("button", name="Mais ações").click()
    desk.get_by_role("menuitem", name="Passar para…").click()
    people = desk.get_by_label("Pessoa", exact=True)
    online = people.locator("option", has_text="online").filter(has_text="Vendas").first
    people.select_option(value=online.get_attribute("value"))
    desk.get_by_role("button", name="Passar", exact=True).click()
    row = page.get_by_role("link", name=name)
    expect(row).to_be_visible()
    row.click()
    expect(page.get_by_text("•••••").first).to_be_visible()
    expect(page.get_by_role("link", name="Pessoas")).to_have_count(0)


def test_every_screen_fits_a_phone(
    vitrine: RunningVitrine, one_click: dict[str, str], open_page: Callable[..., Page]
):
    page = open_page(PHONE, touch=True)
    customer = vitrine.new_customer(next(NAMES))
    conversation = customer.conversation(vitrine.login())
    enter(page, one_click)
    for path in (
        "conversas",
        f"conversas/{conversation['id']}",
        "numeros",
        "atores",
        "pessoas",
        "sistema",
    ):
        page.goto(f"{vitrine.url}/app/{path}")
        expect(page.get_by_role("heading").first).to_be_visible()
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
    page.goto(f"{vitrine.url}/app/conversas/{conversation['id']}")
    page.get_by_role("button", name=re.compile("Por quê")).last.click()
    expect(page.get_by_role("complementary", name="Por quê?")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
