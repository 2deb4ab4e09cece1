"""`/control/ledger`, `/control/proof`, webhook log, seed, environment."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Response

from sandbox.control.hand import Hand, shown_number
from sandbox.seed.conversations import past_conversations

Row = dict[str, Any]


def add_records(router: APIRouter, hand: Hand) -> None:
    world = hand.world

    @router.get("/ledger")
    async def ledger(
        after: int = 0,
        limit: int = 1000,
        direction: str | None = None,
        customer: str | None = None,
        callback: str | None = None,
    ) -> Row:
        """Every message in order of arrival; `after` is the last `seq` you have."""
        key = hand.customer(customer).id if customer else None
        items = world.ledger.entries(
            after=after,
            limit=min(limit, 5000),
            direction=direction,
            customer=key,
            callback=callback,
        )
        return {"items": items, "next_after": items[-1]["seq"] if items else after}

    @router.get("/proof")
    async def proof(customer: str | None = None) -> Row:
        """How often each group of customer messages was answered."""
        return world.ledger.proof(hand.customer(customer).id if customer else None)

    @router.get("/webhooks")
    async def webhooks(limit: int = 50) -> Row:
        """The last deliveries: tries, HTTP status, milliseconds; and what waits."""
        items = [
            {
                "fields": d.fields[:5],
                "updates": len(d.fields),
                "wamids": d.wamids[:20],
                "at": d.first_at,
                "tries": d.tries,
                "http": d.http,
                "error": d.error,
                "ms": d.ms,
                "done": d.done,
            }
            for d in list(world.webhooks.recent)[-limit:]
        ]
        return {"items": items, "waiting": world.webhooks.waiting(), **world.webhooks.counts}

    @router.get("/env")
    async def env() -> dict[str, str]:
        """What to put into the product's environment."""
        return world.env()

    @router.get("/seed")
    async def seed() -> Response:
        """The fictitious company as data: products, knowledge, customers, operators, past conversations."""
        company = world.company
        body = {
            "company": {"name": company.name, "about": company.about},
            "products": company.products,
            "knowledge": company.knowledge,
            "operators": company.operators,
            "customers": company.customers,
            "invoices": company.invoices,
            "subscriptions": company.subscriptions,
            "payments": company.payments,
            "numbers": [shown_number(n) for n in world.numbers.values()],
            "conversations": past_conversations(
                world.config.seed, company.customers, company.products
            ),
        }
        return Response(orjson.dumps(body), media_type="application/json")

    @router.get("/healthz")
    async def healthz() -> Row:
        return {"ok": True, "webhook_url": world.webhooks.target}
