"""The phone page: a newcomer writes as a customer and watches the inside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.running import RunningVitrine

pytestmark = [
    pytest.mark.browser,
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(300),
]
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "sandbox.png"


def new_customer(page: Page, vitrine: RunningVitrine, name: str) -> None:
    customer = vitrine.new_customer(name, consent=False)
    page.goto(f"{vitrine.url}/sandbox")
    page.locator("#pick").click()
    page.get_by_label("Buscar cliente").fill(customer.phone)
    page.locator("#people-list button", has_text=customer.phone).click()
    expect(page.locator("#me")).to_have_text(name)


def test_a_newcomer_writes_and_sees_the_answer_and_its_inside(
    vitrine: RunningVitrine, open_page: Callable[..., Page]
):
    page = open_page()
    new_customer(page, vitrine, "Joana Prado")
    chat, inside = page.locator("#chat"), page.locator("#journeys")
    page.get_by_label("Mensagem").fill("Oi, quero saber do plano")
    page.get_by_label("Enviar").click()
    consent = chat.locator(".choices button").first
    expect(consent).to_be_visible()
    consent.click()
    expect(chat.locator(".bubble:not(.mine)")).to_have_count(2)
    expect(page.locator("#proof")).to_have_text("respondida 1 vez")
    journey = inside.locator("article").first
    for words in ("Webhook chegou", "PostgreSQL", "Turno", "Modelo", "entregue"):
        expect(journey).to_contain_text(words)
    expect(page.locator("#actor")).to_contain_text("conversation")
    if os.environ.get("VITRINE_SCREENSHOTS") == "1":
        expect(journey).to_contain_text("✓✓ lida")
        page.wait_for_timeout(1500)  # the steps' own fading in
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURE)


def test_the_phone_page_fits_a_phone(vitrine: RunningVitrine, open_page: Callable[..., Page]):
    page = open_page((390, 844), touch=True)
    new_customer(page, vitrine, "Rafael Nogueira")
    expect(page.get_by_label("Mensagem")).to_be_visible()
    for tab in ("Celular", "Por dentro"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
