"""The fictitious company of the sandbox, loaded once: catalogue, knowledge, people, a month of talk."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final, LiteralString

import asyncpg
import httpx
import structlog

from domain.catalogue import Billing, KnowledgePage, Product
from domain.errors import InvalidInputError
from domain.money import Money
from jobs.sandbox_past import seed_past
from storage.catalogue import CatalogueStore
from storage.operators import Role, create_operator

log = structlog.get_logger()

HAS_CONTACTS: Final[LiteralString] = "SELECT EXISTS (SELECT 1 FROM contacts)"
_BILLING: Final = {"por mês": Billing.MONTHLY, "por ano": Billing.YEARLY}


async def seed_company(pool: asyncpg.Pool, sandbox_url: str) -> None:
    """Loads the company the sandbox offers; people and past talk only into an empty database."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.get(f"{sandbox_url}/control/seed")
        answer.raise_for_status()
        company = answer.json()
    catalogue = CatalogueStore(pool)
    await catalogue.upsert_products([product_of(row) for row in company["products"]])
    await catalogue.upsert_knowledge(
        [KnowledgePage(title=row["title"], body=row["body"]) for row in company["knowledge"]]
    )
    await _seed_operators(pool, company["operators"])
    if await pool.fetchval(HAS_CONTACTS):
        return
    async with pool.acquire() as db, db.transaction():
        await seed_past(db, company["customers"], company["conversations"])
    log.info("sandbox.seeded", conversations=len(company["conversations"]))


def product_of(row: Mapping[str, Any]) -> Product:
    floor = row.get("floor_centavos")
    return Product(
        sku=row["sku"],
        name=row["name"],
        description=row["description"],
        category=row.get("kind", ""),
        price=Money(centavos=row["price_centavos"], currency=row["currency"]),
        floor=None if floor is None else Money(centavos=floor, currency=row["currency"]),
        billing=_BILLING.get(row.get("unit", ""), Billing.ONCE),
        active=row.get("active", True),
    )


async def _seed_operators(pool: asyncpg.Pool, operators: Sequence[Mapping[str, Any]]) -> None:
    """People whose passwords nobody knows until a supervisor sets them."""
    for row in operators:
        try:
            await create_operator(
                pool,
                email=row["email"],
                name=row["name"],
                role=Role(row["role"]),
                password=secrets.token_urlsafe(24),
                password_is_initial=True,
            )
        except InvalidInputError:
            continue  # made at an earlier start
