"""ERP twin under `/erp/v1`: a small REST API with an API key, over the seeded company.

Header `X-API-Key`. Money in integer centavos, dates ISO 8601, lists `{items, next_cursor}`.
"""

from __future__ import annotations

import secrets
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException
from pydantic import BaseModel, Field

from sandbox.people import digits, full_number, phone_forms
from sandbox.world import World

Row = dict[str, Any]


class PaymentIn(BaseModel):
    invoice_id: str
    amount_centavos: int = Field(gt=0)
    method: str = "pix"


class CustomerIn(BaseModel):
    name: str = Field(min_length=1)
    phone: str
    company: str = ""
    cpf: str = ""
    email: str = ""


def erp_router(world: World) -> APIRouter:  # noqa: C901 - a table of routes, each of them short
    """Routes over this world's company; rows changed here live until the process ends."""

    def check_key(x_api_key: Annotated[str, Header()] = "") -> None:
        if not secrets.compare_digest(x_api_key, world.config.erp_key):
            raise HTTPException(401, "invalid API key")

    router = APIRouter(prefix="/erp/v1", tags=["erp"], dependencies=[Depends(check_key)])
    company = world.company

    def one(rows: list[Row], key: str, value: str) -> Row:
        for row in rows:
            if row[key] == value:
                return row
        raise HTTPException(404, f"{value} not found")

    @router.get("/customers")
    def customers(
        phone: str = "", cpf: str = "", email: str = "", limit: int = 50, cursor: str = ""
    ) -> Row:
        """Filter by phone (either ninth-digit form), CPF (digits) or e-mail."""
        rows = company.customers
        if phone:
            forms = phone_forms(full_number(phone))
            rows = [r for r in rows if set(phone_forms(r["phone"])) & set(forms)]
        if cpf:
            rows = [r for r in rows if r["cpf"] == digits(cpf)]
        if email:
            rows = [r for r in rows if r["email"] == email]
        return page(rows, limit, cursor)

    @router.post("/customers", status_code=201)
    def add_customer(body: CustomerIn) -> Row:
        today = date.today().isoformat()
        row = {
            **body.model_dump(),
            "id": f"cli-{len(company.customers) + 1:04d}",
            "phone": full_number(body.phone),
            "city": "",
            "since": today,
            "last_purchase": None,
        }
        company.customers.append(row)
        return row

    @router.get("/customers/{customer_id}")
    def customer(customer_id: str) -> Row:
        return one(company.customers, "id", customer_id)

    @router.get("/products")
    def products(q: str = "", limit: int = 50, cursor: str = "") -> Row:
        rows = [p for p in company.products if q.lower() in (p["name"] + p["description"]).lower()]
        return page(rows, limit, cursor)

    @router.get("/products/{sku}")
    def product(sku: str) -> Row:
        return one(company.products, "sku", sku)

    @router.get("/prices/{sku}")
    def price(sku: str) -> Row:
        row = one(company.products, "sku", sku)
        return {k: row[k] for k in ("sku", "price_centavos", "floor_centavos", "currency", "unit")}

    @router.get("/invoices")
    def invoices(
        customer_id: str = "",
        status: str = "",
        overdue_days: int = 0,
        limit: int = 50,
        cursor: str = "",
    ) -> Row:
        """`overdue_days`: only unpaid ones that were due at least so many days ago."""
        today = date.today()
        rows = [
            r
            for r in company.invoices
            if (not customer_id or r["customer_id"] == customer_id)
            and (not status or r["status"] == status)
            and (
                not overdue_days
                or (
                    r["status"] != "paid"
                    and (today - date.fromisoformat(r["due_on"])).days >= overdue_days
                )
            )
        ]
        return page(rows, limit, cursor)

    @router.get("/invoices/{invoice_id}")
    def invoice(invoice_id: str) -> Row:
        return one(company.invoices, "id", invoice_id)

    @router.get("/subscriptions")
    def subscriptions(
        customer_id: str = "",
        ends_before: str = "",
        status: str = "",
        limit: int = 50,
        cursor: str = "",
    ) -> Row:
        rows = [
            r
            for r in company.subscriptions
            if (not customer_id or r["customer_id"] == customer_id)
            and (not ends_before or r["ends_on"] < ends_before)
            and (not status or r["status"] == status)
        ]
        return page(rows, limit, cursor)

    @router.get("/payments")
    def payments(
        customer_id: str = "", invoice_id: str = "", limit: int = 50, cursor: str = ""
    ) -> Row:
        rows = [
            r
            for r in company.payments
            if (not customer_id or r["customer_id"] == customer_id)
            and (not invoice_id or r["invoice_id"] == invoice_id)
        ]
        return page(rows, limit, cursor)

    @router.post("/payments", status_code=201)
    def pay(body: PaymentIn) -> Row:
        """Registers a payment; the invoice is paid when the amounts reach it. 409 when it was."""
        row = one(company.invoices, "id", body.invoice_id)
        if row["status"] == "paid":
            raise HTTPException(409, "invoice already paid")
        payment = {
            "id": f"pag-{secrets.token_hex(6)}",
            "customer_id": row["customer_id"],
            "currency": "BRL",
            "paid_on": date.today().isoformat(),
            **body.model_dump(),
        }
        company.payments.append(payment)
        paid = sum(p["amount_centavos"] for p in company.payments if p["invoice_id"] == row["id"])
        if paid >= row["amount_centavos"]:
            row["status"] = "paid"
        return payment

    return router


def page(rows: list[Row], limit: int, cursor: str) -> Row:
    start = int(cursor) if cursor.isdigit() else 0
    size = min(max(limit, 1), 500)
    following = str(start + size) if start + size < len(rows) else None
    return {"items": rows[start : start + size], "next_cursor": following}
