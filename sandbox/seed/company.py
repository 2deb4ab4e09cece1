"""Mercante Demo: a fictitious company, its catalogue, knowledge, people and customers.

Everything comes from one seed number, so two sandboxes tell the same story. All names, numbers and
documents are invented; CPFs have valid check digits and belong to nobody we know of.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox.seed.words import FIRST_NAMES, KNOWLEDGE, LAST_NAMES, OPERATORS, PRODUCTS, STORE_WORDS

CUSTOMERS = 200
AREA_CODES = ("11", "11", "11", "21", "31", "41", "47", "51", "61", "71", "81", "85")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Plain rows, ready for JSON; money in centavos, dates as ISO text."""

    name: str
    about: str
    products: list[Row]
    knowledge: list[Row]
    operators: list[Row]
    customers: list[Row]
    invoices: list[Row]
    subscriptions: list[Row]
    payments: list[Row]


def cpf_from(base: str) -> str:
    """Nine digits plus their two check digits."""
    numbers = [int(c) for c in base]
    for length in (10, 11):
        total = sum(n * w for n, w in zip(numbers, range(length, 1, -1), strict=True))
        numbers.append((total * 10 % 11) % 10)
    return "".join(map(str, numbers))


def build_company(seed: int, *, today: date | None = None) -> Company:
    """Deterministic for a seed; dates are relative to `today` (the real one by default)."""
    dice = random.Random(seed)
    day = today or date.today()
    customers = _customers(dice, day)
    subscriptions = _subscriptions(dice, customers, day)
    invoices, payments = _invoices(dice, subscriptions, day)
    return Company(
        name="Mercante Demo — empresa fictícia",
        about="Software de gestão para pequenos comércios. Empresa fictícia para ensaio.",
        products=[dict(p) for p in PRODUCTS],
        knowledge=[dict(k) for k in KNOWLEDGE],
        operators=[dict(o) for o in OPERATORS],
        customers=customers,
        invoices=invoices,
        subscriptions=subscriptions,
        payments=payments,
    )


def _customers(dice: random.Random, today: date) -> list[Row]:
    rows: list[Row] = [
        {
            "id": "cli-0001",
            "name": "Maria Aparecida Souza",
            "phone": "5531988887777",
            "company": "Empório da Maria",
        }
    ]
    while len(rows) < CUSTOMERS:
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        rows.append(
            {
                "id": f"cli-{len(rows) + 1:04d}",
                "name": f"{first} {last}",
                "phone": f"55{dice.choice(AREA_CODES)}9{8_0000000 + len(rows) * 37_411 + dice.randrange(9000):08d}",
                "company": f"{dice.choice(STORE_WORDS)} {last}",
            }
        )
    for index, row in enumerate(rows):
        row["cpf"] = cpf_from(f"{700_000_000 + index * 1_234_567 % 299_999_999:09d}")
        row["email"] = f"cliente{index + 1}@exemplo.com.br"
        row["city"] = dice.choice(
            ("São Paulo", "Belo Horizonte", "Curitiba", "Recife", "Porto Alegre")
        )
        row["since"] = (today - timedelta(days=dice.randrange(60, 1500))).isoformat()
        row["last_purchase"] = (today - timedelta(days=dice.randrange(3, 200))).isoformat()
    return rows


def _subscriptions(dice: random.Random, customers: list[Row], today: date) -> list[Row]:
    plans = [p for p in PRODUCTS if p["kind"] == "plan"]
    rows = []
    for index, customer in enumerate(customers):
        plan = dice.choice(plans)
        ends = today + timedelta(days=5 if index % 25 == 0 else dice.randrange(10, 360))
        rows.append(
            {
                "id": f"ass-{index + 1:04d}",
                "customer_id": customer["id"],
                "product_sku": plan["sku"],
                "price_centavos": plan["price_centavos"],
                "currency": "BRL",
                "status": "cancelled" if index % 17 == 16 else "active",
                "started_on": customer["since"],
                "ends_on": ends.isoformat(),
                "usage_last_30_days": dice.randrange(0, 100),
            }
        )
    return rows


def _invoices(
    dice: random.Random, subscriptions: list[Row], today: date
) -> tuple[list[Row], list[Row]]:
    """Three months each; every sixth customer owes the last one for more than 15 days."""
    invoices: list[Row] = []
    payments: list[Row] = []
    for index, subscription in enumerate(subscriptions):
        late = index % 6 == 0
        for back in (2, 1, 0):
            overdue_days = 18 if index == 0 else 16 + dice.randrange(25)
            due = today - timedelta(days=overdue_days if late and back == 0 else back * 30 - 10)
            open_now = late and back == 0
            paid = not open_now and due <= today
            invoice_id = f"fat-{index + 1:04d}-{3 - back}"
            amount = 250_000 if index == 0 else subscription["price_centavos"]
            invoices.append(
                {
                    "id": invoice_id,
                    "customer_id": subscription["customer_id"],
                    "subscription_id": subscription["id"],
                    "amount_centavos": amount,
                    "currency": "BRL",
                    "due_on": due.isoformat(),
                    "status": "paid" if paid else ("overdue" if due < today else "open"),
                    "digitable_line": "".join(str(dice.randrange(10)) for _ in range(47)),
                }
            )
            if paid:
                payments.append(
                    {
                        "id": f"pag-{invoice_id[4:]}",
                        "invoice_id": invoice_id,
                        "customer_id": subscription["customer_id"],
                        "amount_centavos": amount,
                        "currency": "BRL",
                        "method": dice.choice(("pix", "boleto", "debito")),
                        "paid_on": due.isoformat(),
                    }
                )
    return invoices, payments
