"""The fictitious company of the sandbox, loaded once: catalogue, knowledge, people, a month of talk."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import asyncpg
import httpx
import structlog

from domain.catalogue import Billing, KnowledgePage, Product
from domain.clock import SystemClock
from domain.errors import InvalidInputError
from domain.ids import new_id
from domain.money import Money
from domain.phone import canonical
from routing.shards import bucket_of
from storage.catalogue import CatalogueStore
from storage.operators import Role, create_operator

log = structlog.get_logger()

HAS_CONTACTS: Final[LiteralString] = "SELECT EXISTS (SELECT 1 FROM contacts)"
FACADE: Final[LiteralString] = """
SELECT f.id, f.account_id, a.portfolio_id, n.phone_number_id
  FROM facades f JOIN accounts a ON a.id = f.account_id
  JOIN physical_numbers n ON n.facade_id = f.id AND n.is_facade
"""
INSERT_CONTACT: Final[LiteralString] = """
INSERT INTO contacts (id, account_id, name, company, profile) VALUES ($1, $2, $3, $4, $5)
"""
INSERT_IDENTITY: Final[LiteralString] = """
INSERT INTO channel_identities (id, contact_id, portfolio_id, kind, value, wa_id)
VALUES ($1, $2, $3, 'phone', $4, $5)
"""
INSERT_CONVERSATION: Final[LiteralString] = """
INSERT INTO conversations (id, facade_id, contact_id, bucket, mode, last_inbound_number,
    last_message_id, last_message_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, 'closed', $5, $6, $7, $8, $7)
"""
INSERT_MESSAGE: Final[LiteralString] = """
INSERT INTO messages (id, conversation_id, direction, author, operator_id, content, body, wamid,
    phone_number_id, status, status_at, sent_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)
"""
LIST_OPERATORS: Final[LiteralString] = "SELECT id, name FROM operators"

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
        await _seed_past(db, company["customers"], company["conversations"])
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


async def _seed_past(
    db: Any, customers: Sequence[Mapping[str, Any]], past: Sequence[Mapping[str, Any]]
) -> None:
    facade = await db.fetchrow(FACADE)
    if facade is None:
        return
    operators = {row["name"].split(" ")[0]: row["id"] for row in await db.fetch(LIST_OPERATORS)}
    contacts: dict[str, UUID] = {}
    for row in customers:
        contact_id = contacts[row["id"]] = new_id()
        profile = {"cidade": row.get("city", ""), "cliente_desde": row.get("since", "")}
        await db.execute(
            INSERT_CONTACT, contact_id, facade["account_id"], row["name"], row["company"], profile
        )
        phone = canonical(row["phone"])
        await db.execute(
            INSERT_IDENTITY, new_id(), contact_id, facade["portfolio_id"], phone, row["phone"]
        )
    seen: set[str] = set()
    for talk in past:
        if talk["customer"] not in seen:  # one conversation per contact
            seen.add(talk["customer"])
            await _seed_talk(db, facade, contacts[talk["customer"]], talk, operators)


async def _seed_talk(
    db: Any,
    facade: asyncpg.Record,
    contact_id: UUID,
    talk: Mapping[str, Any],
    operators: Mapping[str, UUID],
) -> None:
    began = SystemClock().now() + timedelta(seconds=talk["started_at_offset_s"])
    conversation_id = new_id()
    messages = [(new_id(), began + timedelta(seconds=m["offset_s"]), m) for m in talk["messages"]]
    last_id, last_at, _ = messages[-1]
    await db.execute(
        INSERT_CONVERSATION, conversation_id, facade["id"], contact_id,
        bucket_of(conversation_id), facade["phone_number_id"], last_id, last_at, began,
    )  # fmt: skip
    for message_id, at, message in messages:
        author = message["from"]
        inbound = author == "contact"
        speaker = next((o for name, o in operators.items() if name in message["text"]), None)
        await db.execute(
            INSERT_MESSAGE, message_id, conversation_id, "inbound" if inbound else "outbound",
            author, speaker if author == "operator" else None,
            {"kind": "text", "body": message["text"]}, message["text"], f"wamid.PAST{message_id}",
            facade["phone_number_id"], "received" if inbound else "read", at,
        )  # fmt: skip
