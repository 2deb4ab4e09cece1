"""Customers made by SQL: known, with consent, in a conversation that has its number already."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from bench.webhooks import TEXT, Person, new_wamid
from domain.ids import new_id
from domain.phone import canonical
from routing.shards import bucket_of

_COLUMNS: Final = {
    "contacts": ("id", "account_id", "name", "ai_consent"),
    "channel_identities": ("id", "contact_id", "portfolio_id", "kind", "value", "wa_id"),
    "consents": ("id", "contact_id", "purpose", "state", "text_version", "channel"),
    "conversations": (
        "id", "facade_id", "contact_id", "bucket", "mode", "sticky_number", "sticky_reason",
        "last_inbound_number",
    ),
}  # fmt: skip


async def add_customers(
    dsn: str, first: int, count: int, *, mode: str = "agent", history: int = 0
) -> list[UUID]:
    """Their conversations' ids, in order. `history` messages each, from both sides in turn."""
    db = await asyncpg.connect(dsn)
    try:
        account = await db.fetchrow(
            "SELECT a.id, a.portfolio_id, f.id AS facade FROM accounts a JOIN facades f"
            " ON f.account_id = a.id"
        )
        assert account is not None
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _COLUMNS}
        conversations = [_rows_of(Person(n=first + n), account, mode, rows) for n in range(count)]
        for table, columns in _COLUMNS.items():
            await db.copy_records_to_table(table, records=rows[table], columns=columns)
        if history:
            await _add_history(db, conversations, history)
        await db.execute("ANALYZE")
    finally:
        await db.close()
    return conversations


def _rows_of(
    person: Person, account: asyncpg.Record, mode: str, rows: dict[str, list[tuple[Any, ...]]]
) -> UUID:
    contact, conversation, number = new_id(), new_id(), person.phone_number_id
    portfolio = account["portfolio_id"]
    rows["contacts"].append((contact, account["id"], f"Cliente {person.n}", "granted"))
    phone = (new_id(), contact, portfolio, "phone", canonical(person.wa_id), person.wa_id)
    rows["channel_identities"] += [
        phone,
        (new_id(), contact, portfolio, "bsuid", person.bsuid, None),
    ]
    rows["consents"].append((new_id(), contact, "ai", "granted", "bench", "whatsapp"))
    rows["conversations"].append(
        (
            conversation,
            account["facade"],
            contact,
            bucket_of(conversation),
            mode,
            number,
            "o número em que o cliente escreveu",
            number,
        )
    )
    return conversation


async def _add_history(
    db: asyncpg.Connection[Any], conversations: list[UUID], messages: int
) -> None:
    now = datetime.now(UTC)
    records = [
        (
            new_id(),
            conversation,
            "inbound" if n % 2 == 0 else "outbound",
            "contact" if n % 2 == 0 else "agent",
            '{"kind": "text", "body": "oi"}',
            TEXT,
            new_wamid("OLD"),
            "received" if n % 2 == 0 else "read",
            now,
        )
        for conversation in conversations
        for n in range(messages)
    ]
    await db.copy_records_to_table(
        "messages",
        records=records,
        columns=(
            "id", "conversation_id", "direction", "author", "content", "body", "wamid", "status",
            "sent_at",
        ),
    )  # fmt: skip


async def settle(dsn: str) -> None:
    """Marks everything as worked and forgets the statuses: the next measure starts clean."""
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(
            "UPDATE inbound_events SET worked_at = now(), outcome = 'bench' WHERE worked_at IS NULL"
        )
        await db.execute("VACUUM ANALYZE inbound_events")
        await db.execute("VACUUM ANALYZE conversations")
    finally:
        await db.close()
