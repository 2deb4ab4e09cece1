"""A small company for tests: one account, its numbers, and webhooks as Meta would send them."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from domain.ids import new_id
from integrations.whatsapp.webhook import parse_webhook
from storage.intake import Intake
from storage.lines import Lines
from storage.numbers import NumberStore
from storage.pool import open_pool
from storage.receipts import Receipt, Received

FACADE = "106000000000001"
SECOND = "106000000000002"
WABA = "102000000000001"

_serial = itertools.count(1)


async def a_house(dsn: str, *, size: int = 4) -> asyncpg.Pool:
    """A pool on a migrated database that knows one account with a façade and a second number."""
    pool = await open_pool(dsn, size=size, name="tests")
    await NumberStore(pool).seed(
        account_id=new_id(),
        facade_id=new_id(),
        name="Loja Exemplo",
        portfolio_id="5069",
        waba_id=WABA,
        secrets=b"",
        facade_phone="551130001234",
        numbers=[FACADE, SECOND],
    )
    return pool


def inbound(
    text: str = "Oi",
    *,
    wa_id: str | None = "553188887777",
    bsuid: str | None = None,
    wamid: str | None = None,
    number: str = FACADE,
    name: str = "Ana Souza",
    at: datetime | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One `changes[]` element carrying one message; `more` is merged into the message."""
    sent_at = at or datetime.now(UTC)
    message: dict[str, Any] = {
        "id": wamid or f"wamid.IN{next(_serial)}",
        "timestamp": str(int(sent_at.timestamp())),
        "type": "text",
        "text": {"body": text},
        **more,
    }
    contact: dict[str, Any] = {"profile": {"name": name}}
    if wa_id is not None:
        message["from"] = contact["wa_id"] = wa_id
    if bsuid is not None:
        message["from_user_id"] = contact["user_id"] = bsuid
    return _change(number, contacts=[contact], messages=[message])


def status(
    wamid: str, state: str, *, attempt: object = None, code: int | None = None, number: str = FACADE
) -> dict[str, Any]:
    """One `changes[]` element carrying one delivery status."""
    one: dict[str, Any] = {
        "id": wamid,
        "status": state,
        "timestamp": str(int(datetime.now(UTC).timestamp())),
        "recipient_id": "553188887777",
    }
    if attempt is not None:
        one["biz_opaque_callback_data"] = str(attempt)
    if code is not None:
        one["errors"] = [{"code": code, "title": "failed"}]
    return _change(number, statuses=[one])


def echo(
    text: str, *, wa_id: str = "553188887777", number: str = FACADE, wamid: str | None = None
) -> dict[str, Any]:
    """One `changes[]` element telling of a message a person sent from the phone app."""
    message = {
        "from": "551130001234",
        "to": wa_id,
        "id": wamid or f"wamid.ECHO{next(_serial)}",
        "timestamp": str(int(datetime.now(UTC).timestamp())),
        "type": "text",
        "text": {"body": text},
    }
    return {**_change(number, message_echoes=[message]), "field": "smb_message_echoes"}


def _change(number: str, **value: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "551130001234", "phone_number_id": number}
    return {
        "field": "messages",
        "value": {"messaging_product": "whatsapp", "metadata": metadata, **value},
    }


def webhook(*changes: dict[str, Any]) -> bytes:
    """The body of one POST."""
    entry = {"id": WABA, "changes": list(changes)}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def received(*changes: dict[str, Any]) -> Received:
    body = webhook(*changes)
    at = datetime.now(UTC)
    return Received(body=body, items=parse_webhook(body, at).items, at=at)


def intake_of(pool: asyncpg.Pool) -> Intake:
    return Intake(pool, Lines(NumberStore(pool)))


async def store(pool: asyncpg.Pool, *changes: dict[str, Any]) -> Receipt:
    return await intake_of(pool).store([received(*changes)])


def long_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)


async def somebody_waits(pool: asyncpg.Pool) -> None:
    """Until a statement waits for a lock."""
    async with asyncio.timeout(10):
        while not await pool.fetchval(  # noqa: ASYNC110 - PostgreSQL tells nobody
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)
