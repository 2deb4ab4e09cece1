from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from validate_docbr import CPF

from sandbox.config import SandboxConfig
from sandbox.seed.company import build_company
from sandbox.seed.conversations import past_conversations
from tests.unit.sandbox.conftest import Stage

KEY = {"X-API-Key": SandboxConfig(port=1).erp_key}


async def get(stage: Stage, path: str, **query: Any) -> Any:
    answer = await stage.client.get(f"/erp/v1/{path}", params=query, headers=KEY)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_key_is_needed(stage):
    assert (await stage.client.get("/erp/v1/products")).status_code == 401


async def test_a_customer_is_found_by_either_form_of_the_phone_and_by_cpf(stage):
    found: dict[str, Any] = {}
    for phone in ("5531988887777", "553188887777", "+55 31 98888-7777", "31988887777"):
        (found,) = (await get(stage, "customers", phone=phone))["items"]
        assert found["name"] == "Maria Aparecida Souza"
    (again,) = (await get(stage, "customers", cpf=found["cpf"]))["items"]
    assert again == found


async def test_overdue_invoices_can_be_asked_for_by_age(stage):
    rows = (await get(stage, "invoices", overdue_days=16, limit=500))["items"]
    assert len(rows) > 20
    limit = (date.today() - timedelta(days=16)).isoformat()
    assert all(r["status"] == "overdue" and r["due_on"] <= limit for r in rows)
    (maria,) = [r for r in rows if r["customer_id"] == "cli-0001"]
    assert maria["amount_centavos"] == 250_000


async def test_a_payment_pays_the_invoice_once(stage):
    invoice = (await get(stage, "invoices", customer_id="cli-0001", status="overdue"))["items"][0]
    body = {"invoice_id": invoice["id"], "amount_centavos": invoice["amount_centavos"]}
    assert (await stage.client.post("/erp/v1/payments", json=body, headers=KEY)).status_code == 201
    assert (await get(stage, f"invoices/{invoice['id']}"))["status"] == "paid"
    assert (await stage.client.post("/erp/v1/payments", json=body, headers=KEY)).status_code == 409


async def test_lists_page_through_everything(stage):
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await get(stage, "customers", limit=70, cursor=cursor)
        seen += [r["id"] for r in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 200


async def test_prices_have_floors(stage):
    price = await get(stage, "prices/PLANO-CRESCER")
    assert price["floor_centavos"] < price["price_centavos"] == 16_990
    assert (await stage.client.get("/erp/v1/products/NADA", headers=KEY)).status_code == 404


def test_the_company_is_the_same_for_the_same_seed():
    day = date(2026, 11, 23)
    assert build_company(7, today=day) == build_company(7, today=day)
    assert build_company(7, today=day) != build_company(8, today=day)


def test_the_company_is_fictitious_complete_and_plausible():
    company = build_company(2026)
    assert "fictícia" in company.name
    assert 8 <= len(company.products) <= 12
    assert all(p["floor_centavos"] <= p["price_centavos"] for p in company.products)
    assert (
        len({c["phone"] for c in company.customers})
        == len({c["cpf"] for c in company.customers})
        == 200
    )
    assert all(CPF().validate(c["cpf"]) for c in company.customers)
    assert sorted(o["role"] for o in company.operators) == [
        "agent",
        "agent",
        "supervisor",
        "supervisor",
        "vendor",
        "vendor",
    ]


def test_past_conversations_fill_thirty_days_and_quote_real_prices():
    company = build_company(2026)
    rows = past_conversations(2026, company.customers, company.products)
    assert rows == past_conversations(2026, company.customers, company.products)
    assert len(rows) == 60
    assert all(-31 * 86_400 < r["started_at_offset_s"] < 0 for r in rows)
    assert len({r["purpose"] for r in rows}) >= 10
    for row in rows:
        offsets = [m["offset_s"] for m in row["messages"]]
        assert offsets == sorted(offsets)
        assert {m["from"] for m in row["messages"]} <= {"contact", "agent", "operator"}
        assert not any("{" in m["text"] for m in row["messages"])
        by_person = any(m["from"] == "operator" for m in row["messages"])
        assert (row["operator"] in {o["email"] for o in company.operators}) is by_person


@pytest.mark.parametrize(
    "key", ["products", "knowledge", "customers", "operators", "conversations", "company"]
)
async def test_the_seed_is_offered_as_data(stage, key):
    assert (await stage.client.get("/control/seed")).json()[key]
